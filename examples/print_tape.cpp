// Lesson: what a tape is. A net of two layers is recorded, printed as Wengert's list, walked back, and drawn.
//
//   print_tape [--out DIR]      with DIR: writes DIR/tape.dot; dot -Tsvg DIR/tape.dot > tape.svg draws it
#include <cstring>
#include <fstream>
#include <iostream>

#include "autodiff/autodiff.hpp"
#include "autodiff/print.hpp"
#include "losses/softmax_ce.hpp"
#include "nn/nn.hpp"

using namespace wengert;

int main(int argc, char** argv) {
  if (argc != 1 && !(argc == 3 && std::strcmp(argv[1], "--out") == 0)) {
    std::cerr << "usage: print_tape [--out DIR]\n";
    return 2;
  }
  const nn::Sequential<double> net{
      nn::Linear<double>(parameter(Array<double>{{1, -1}, {0.5, 2}}), parameter(Array<double>{0, 0.5})),
      nn::Tanh<double>(),
      nn::Linear<double>(parameter(Array<double>{{1, 0}, {0, 1}, {-1, 1}}), parameter(Array<double>{0, 0, 0}))};
  const Variable<double> x = Array<double>{{1, 2}, {-1, 0.5}, {0, 0}, {2, -1}};
  const Labels labels{0, 2, 1, 0};

  Tape tape({.trace = true});
  const auto loss = losses::softmax_ce(net(x), labels);

  std::cout << "The list: a line an op, in the order in which they were computed.\n\n";
  tape.print(std::cout, {.names = net.parameters()});

  tape.backward(loss, {.retain = true});
  std::cout
      << "\nWalked back, from the last line to the first: every line with its value, and its gradient below it.\n\n";
  tape.print(std::cout, {.values = true, .adjoints = true, .names = net.parameters()});

  if (argc == 3) {
    const std::string path = std::string(argv[2]) + "/tape.dot";
    std::ofstream file(path);
    tape.to_dot(file, {.values = true, .adjoints = true, .names = net.parameters()});
    if (!file.flush()) {
      std::cerr << "print_tape: cannot write " << path << "\n";
      return 1;
    }
    std::cout << "\nThe graph is in " << path << "\n";
  }
}
