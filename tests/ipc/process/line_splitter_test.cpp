#include "ipc/process/line_splitter.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace tandem::ipc {
namespace {

std::vector<std::string> split(const std::vector<std::string>& pieces) {
  std::vector<std::string> lines;
  const LineHandler keep = [&lines](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter;
  for (const std::string& piece : pieces)
    splitter.add(piece, keep);
  splitter.finish(keep);
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineSplitter, EndsLinesAtNewlines) {
  EXPECT_EQ(split({"one\ntwo\n\nthree"}), (Lines{"one", "two", "", "three"}));
  EXPECT_EQ(split({"o", "ne", "\n", "two\n"}), (Lines{"one", "two"}));
  EXPECT_EQ(split({}), Lines{});
}

TEST(LineSplitter, CutsLinesThatAreTooLong) {
  constexpr std::size_t kMost = LineSplitter::kMaxLineBytes;
  const std::string full(kMost, 'x');
  EXPECT_EQ(split({full + "\nnext"}), (Lines{full, "next"}));
  EXPECT_EQ(split({full + "y\n"}), (Lines{full, "y"}));
  EXPECT_EQ(split({full, full, "\n"}), (Lines{full, full}));
}

TEST(LineSplitter, DoesNotCareHowBytesArrive) {
  std::mt19937 random(5);
  std::string text;
  for (int i = 0; i < 30000; ++i)
    text += random() % 3000 == 0 ? '\n' : 'x';
  const Lines expected = split({text});
  for (int i = 0; i < 20; ++i) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      pieces.push_back(text.substr(at, 1 + random() % 5000));
      at += pieces.back().size();
    }
    EXPECT_EQ(split(pieces), expected);
  }
}

}  // namespace
}  // namespace tandem::ipc
