# find_package(wengert) arrives here.
include(CMakeFindDependencyMacro)
find_dependency(xtensor)

# A static libwengert leaves it to the program to link OpenBLAS. The vendor asked for elsewhere in the project stays.
set(wengert_vendor_before "${BLA_VENDOR}")
set(BLA_VENDOR OpenBLAS)
find_dependency(LAPACK)
set(BLA_VENDOR "${wengert_vendor_before}")
unset(wengert_vendor_before)

include(${CMAKE_CURRENT_LIST_DIR}/wengertTargets.cmake)
