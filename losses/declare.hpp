// What the declarations of losses have in common. Internal to losses/.
#pragma once

#include "autodiff/registry.hpp"
#include "losses/weighting.hpp"

namespace wengert::losses {

/// The inputs of a loss, and those of Weighting.
inline std::vector<Input> and_weights(std::vector<Input> inputs) {
  inputs.push_back({"row_weights", {0, 2}, Draw::constant, true});
  inputs.push_back({"mask", {0, 1}, Draw::mask, true});
  return inputs;
}

inline std::vector<Attribute> and_reduction(std::vector<Attribute> attributes) {
  attributes.insert(attributes.begin(), {"reduction", "mean|sum|none", "mean"});
  return attributes;
}

template <class A> Reduction reduction_of(const A& arguments) {
  const std::string& word = arguments.word("reduction");
  return word == "sum" ? Reduction::sum : word == "none" ? Reduction::none : Reduction::mean;
}

template <class A> auto weighting_of(const A& arguments) {
  using T = typename std::decay_t<decltype(arguments["mask"])>::value_type;
  return Weighting<T>{reduction_of(arguments), arguments["row_weights"], arguments["mask"]};
}

/// The samples of a loss of elements, x and targets under their names, and an attribute.
inline std::vector<std::string> elementwise_samples(const std::string& x, const std::string& more = "") {
  const auto sample = [&](const std::string& shape) {
    return x + "=" + shape + " targets=" + shape + (more.empty() ? "" : " " + more);
  };
  return {sample("[3,4]"),
          sample("[3,4]") + " reduction=sum",
          sample("[2,3,2]") + " reduction=none",
          sample("[3,4]") + " row_weights=[3,1] mask=[1,4]",
          sample("[3,4]") + " row_weights=[3,4] reduction=none",
          sample("[]"),
          sample("[1]"),
          sample("[0,3]") + " reduction=sum"};
}

/// Those of a loss of scores and labels: O has the options of Nll, in that order, before its own.
inline std::vector<Input> class_inputs(Domain scores, Draw draw = Draw::uniform) {
  std::vector<Input> inputs = and_weights({{"scores", scores, draw}, {"labels", {0, 3}, Draw::index}});
  inputs.push_back({"weights", {0.5, 2}, Draw::constant, true});
  return inputs;
}
inline std::vector<Attribute> class_attributes() {
  return {{"axis", "int", "1", "of the classes"}, {"ignore_index", "int", "-100"}};
}
inline std::vector<std::string> class_samples() {
  return {"scores=[3,4] labels=[3]",
          "scores=[3,4] labels=[3] reduction=sum",
          "scores=[2,4,3] labels=[2,3] reduction=none",
          "scores=[2,3,4] labels=[2,3] axis=-1 weights=[4]",
          "scores=[5,4] labels=[5] weights=[4] row_weights=[5] mask=[5] ignore_index=2",
          "scores=[4] labels=[]",
          "scores=[1,4] labels=[1]",
          "scores=[0,4] labels=[0] reduction=sum"};
}
template <template <class> class O, class A> auto class_options(const A& a) {
  const auto w = weighting_of(a);
  O<typename decltype(w.mask)::value_type> o{w.reduction, w.row_weights, w.mask};
  o.axis = a.integer("axis");
  o.class_weights = a["weights"];
  o.ignore_index = a.integer("ignore_index");
  return o;
}

}  // namespace wengert::losses
