// A library that is no plug-in; with VERSION, one that was built for another wengert; with MISSING, one that needs what is
// not there.
#ifdef VERSION
extern "C" const char* wengert_plugin_version() { return VERSION; }
#endif
#ifdef MISSING
int not_there();
int use = not_there();
#endif
int something() { return 1; }
