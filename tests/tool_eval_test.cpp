// gradcheck eval, over files: what comes out, what is refused, and that nothing is written then.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/message.hpp"
#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/npy.hpp"

using namespace wengert;
using namespace wengert::tool;

namespace {

namespace fs = std::filesystem;

/// A directory that is empty, and the current one while it lives.
struct Directory {
  fs::path before = fs::current_path(), path = fs::temp_directory_path() / "tool_eval_test";
  Directory() {
    fs::remove_all(path);
    fs::create_directory(path);
    fs::current_path(path);
  }
  ~Directory() { fs::current_path(before); }
  std::string files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
    return text;
  }
};

void put(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
template <class T> void put(const std::string& path, const Array<T>& array) { put(path, npy_bytes(array)); }
/// int64, as NumPy writes it.
void put(const std::string& path, const Labels& labels) {
  Array<double> same_size(labels.shape(), 0.);
  std::memcpy(same_size.storage().data(), labels.storage().data(), labels.size() * 8);
  std::string bytes = npy_bytes(same_size);
  bytes.replace(bytes.find("<f8"), 3, "<i8");
  put(path, bytes);
}
template <class T> Array<T> get(const std::string& path) { return std::get<Array<T>>(read_npy(path, path).values); }

std::string refusal(const EvalOptions& options) {
  return test::message<Error>([&] { eval(options); });
}

/// A file of scores [2,3], labels [2], and what else the refusals need.
void put_inputs() {
  put("s.npy", Array<float>{{1, 2, 3}, {0, 0, 0}});
  put("l.npy", Labels{2, 0});
  put("u.npy", Array<float>{1, 10});
  put("d.npy", Array<double>{{1, 2, 3}, {0, 0, 0}});
}

}  // namespace

TEST_CASE("eval: a loss, its gradient, and a product with its Hessian") {
  const Directory directory;
  put_inputs();
  put("v.npy", Array<float>{{1, 0, 0}, {1, 1, 1}});
  CHECK(eval({.name = "softmax_ce",
              .inputs = {"scores=s.npy", "labels=l.npy"},
              .attributes = {"reduction=none"},
              .upstreams = {"u.npy"},
              .outputs = {"loss.npy"},
              .gradients = {"scores=g.npy"},
              .tangents = {"scores=v.npy"},
              .hvps = {"scores=h.npy"}}) == good);
  const double t = std::exp(-2) + std::exp(-1) + 1, p0 = std::exp(-2) / t, p1 = std::exp(-1) / t, p2 = 1 / t;
  const Array<double> loss{std::log(t), std::log(3.)}, g{{p0, p1, p2 - 1}, {-20 / 3., 10 / 3., 10 / 3.}},
      h{{p0 * (1 - p0), -p1 * p0, -p2 * p0}, {0, 0, 0}};
  CHECK(xt::allclose(get<float>("loss.npy"), loss, 1e-6, 1e-7));
  CHECK(xt::allclose(get<float>("g.npy"), g, 1e-6, 1e-7));
  CHECK(xt::allclose(get<float>("h.npy"), h, 1e-6, 1e-7));
  CHECK(directory.files() == "d.npy g.npy h.npy l.npy loss.npy s.npy u.npy v.npy");
}

TEST_CASE("eval: the first real input in the declaration's order decides the type") {
  const Directory directory;
  put("f.npy", Array<float>{2});
  put("d.npy", Array<double>{0.1});
  CHECK(eval({.name = "mul", .inputs = {"b=d.npy", "a=f.npy"}, .outputs = {"y.npy"}}) == good);
  CHECK(get<float>("y.npy") == Array<float>{0.2f});
  CHECK(eval({.name = "mul", .inputs = {"b=f.npy", "a=d.npy"}, .outputs = {"y=y.npy"}, .gradients = {"b=g.npy"}}) ==
        good);
  CHECK(get<double>("y.npy") == Array<double>{0.2});
  CHECK(get<double>("g.npy") == Array<double>{0.1});
}

TEST_CASE("eval: the Hessian goes over all inputs that have a tangent, and no others") {
  const Directory directory;
  put("a.npy", Array<double>{2, 3});
  put("b.npy", Array<double>{5, 7});
  put("v.npy", Array<double>{1, 10});
  const EvalOptions both{.name = "mul",
                         .inputs = {"a=a.npy", "b=b.npy"},
                         .tangents = {"a=v.npy", "b=a.npy"},
                         .hvps = {"a=ha.npy", "b=hb.npy"}};
  CHECK(eval(both) == good);
  CHECK(get<double>("ha.npy") == Array<double>{2, 3});  // d2(ab)/dadb times b's tangent
  CHECK(get<double>("hb.npy") == Array<double>{1, 10});
  CHECK(eval({.name = "mul", .inputs = both.inputs, .tangents = {"a=v.npy"}, .hvps = {"a=ha.npy"}}) == good);
  CHECK(get<double>("ha.npy") == Array<double>{0, 0});
}

TEST_CASE("eval: what is refused, and how") {
  const Directory directory;
  put_inputs();
  const std::string before = directory.files();
  const std::vector<std::string> inputs{"scores=s.npy", "labels=l.npy"};
  const auto refused = [&](const EvalOptions& options) {
    const std::string text = refusal(options);
    CHECK(directory.files() == before);
    return text;
  };
  const EvalOptions all{.name = "softmax_ce", .inputs = inputs, .outputs = {"loss.npy"}};
  const auto with = [&](auto change) {
    EvalOptions options = all;
    change(options);
    return refused(options);
  };
  using O = EvalOptions;
  CHECK(with([](O& o) { o.name = "softmx_ce"; }) ==
        "softmx_ce: there is no op or loss of that name; did you mean softmax_ce?");
  CHECK(with([](O& o) { o.name = "entropy"; }) ==
        "entropy: there is no op or loss of that name; `gradcheck list` says them all");
  CHECK(with([](O& o) { o.inputs[0] = "s.npy"; }) == "--input s.npy: NAME=VALUE was expected");
  CHECK(with([](O& o) { o.inputs[0] = "=s.npy"; }) == "--input =s.npy: NAME=VALUE was expected");
  CHECK(with([](O& o) { o.inputs[0] = "scores="; }) == "--input scores=: No such file or directory");
  CHECK(with([](O& o) { o.inputs[1] = "scores=s.npy"; }) == "--input scores=s.npy: scores was given before");
  CHECK(with([](O& o) { o.inputs[0] = "logits=s.npy"; }) ==
        "--input logits=s.npy: softmax_ce has no input logits; it has scores, labels, targets, weights, row_weights, "
        "mask");
  CHECK(with([](O& o) { o.inputs.erase(o.inputs.begin()); }) == "softmax_ce: input scores is missing");
  CHECK(with([](O& o) { o.inputs.pop_back(); }) == "softmax_ce: give either labels or targets");
  CHECK(with([](O& o) { o.inputs[1] = "labels=s.npy"; }) ==
        "--input labels=s.npy: is float32; whole numbers (int64, int32, ...) were expected");
  CHECK(with([](O& o) { o.inputs[0] = "scores=l.npy"; }) ==
        "--input scores=l.npy: is int64; float32 or float64 was expected");
  CHECK(with([](O& o) { o.inputs[0] = "scores=none.npy"; }) == "--input scores=none.npy: No such file or directory");
  CHECK(with([](O& o) { o.inputs[0] = "scores=."; }) == "--input scores=.: is a directory; a .npy file was expected");
  CHECK(with([](O& o) { o.attributes = {"reduction=max"}; }) == "softmax_ce: reduction=max is not mean|sum|none");
  CHECK(with([](O& o) { o.attributes = {"axis=1", "axis=1"}; }) == "--attr axis=1: axis was given before");
  CHECK(with([](O& o) { o.upstreams = {"u.npy"}; }) == "--upstream u.npy: is [2]; [], the shape of y, was expected");
  CHECK(with([](O& o) {
          o.upstreams = {"u.npy", "s.npy"};
        }) == "--upstream s.npy: softmax_ce has one output, and u.npy was given");
  CHECK(with([](O& o) { o.outputs.clear(); }) ==
        "softmax_ce: nothing is asked for; --out, --grad or --hvp was expected");
  CHECK(with([](O& o) { o.outputs = {"."}; }) == "--out .: is a directory; a file was expected");
  CHECK(with([](O& o) { o.outputs = {"none/y.npy"}; }) == "--out none/y.npy: No such file or directory");
  CHECK(with([](O& o) { o.outputs = {""}; }) == "--out : the name of a file was expected");
  CHECK(with([](O& o) { o.gradients = {"scores=./loss.npy"}; }) ==
        "--grad scores=./loss.npy: is written by --out loss.npy already; name another file");
  CHECK(with([](O& o) { o.gradients = {"labels=g.npy"}; }) ==
        "--grad labels=g.npy: softmax_ce has no gradient with respect to labels");
  CHECK(with([](O& o) { o.tangents = {"scores=u.npy"}, o.hvps = {"scores=h.npy"}; }) ==
        "--tangent scores=u.npy: is [2]; [2,3], the shape of scores, was expected");
  CHECK(with([](O& o) { o.hvps = {"scores=h.npy"}; }) ==
        "--hvp scores=h.npy: scores has no tangent; --tangent scores=FILE was expected");
  CHECK(with([](O& o) { o.tangents = {"scores=s.npy"}; }) ==
        "--tangent scores=s.npy: is for a Hessian product; --hvp NAME=FILE was expected");
  put("l.npy", Labels{2, 3});
  CHECK(with([](O&) {}).find("softmax_ce: ") == 0);
  CHECK(refused({.name = "linear",
                 .inputs = {"x=s.npy", "weight=s.npy"},
                 .outputs = {"y.npy"},
                 .gradients = {"bias=g.npy"}}) ==
        "--grad bias=g.npy: bias was not given; --input bias=FILE was expected");
  CHECK(refused({.name = "split", .inputs = {"x=s.npy"}, .outputs = {"y.npy"}}) ==
        "--out y.npy: NAME=VALUE was expected");
  CHECK(refused({.name = "split", .inputs = {"x=s.npy"}, .outputs = {"y=y.npy"}}) ==
        "--out y=y.npy: split has no output y; it has y_0, y_1");
}

TEST_CASE("eval: an output that cannot be written leaves the others as they were") {
  const Directory directory;
  put_inputs();
  put("loss.npy", "what was there");
  CHECK(refusal({.name = "softmax_ce",
                 .inputs = {"scores=s.npy", "labels=l.npy"},
                 .outputs = {"loss.npy"},
                 .gradients = {"scores=none/g.npy"}}) == "--grad scores=none/g.npy: No such file or directory");
  std::ostringstream text;
  text << std::ifstream("loss.npy").rdbuf();
  CHECK(text.str() == "what was there");
  CHECK(directory.files() == "d.npy l.npy loss.npy s.npy u.npy");
}

TEST_CASE("eval: a link stays a link, and an output may take the place of an input") {
  const Directory directory;
  put("x.npy", Array<float>{1, 2});
  fs::create_symlink("x.npy", "link.npy");
  CHECK(eval({.name = "neg", .inputs = {"x=x.npy"}, .outputs = {"link.npy"}}) == good);
  CHECK(fs::is_symlink("link.npy"));
  CHECK(get<float>("x.npy") == Array<float>{-1, -2});
}
