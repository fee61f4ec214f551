#include "models/text/tokenizers/bpe_vocabulary.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string_view>
#include <zlib.h>

#include <boost/json.hpp>

#include "models/text/tokenizers/unicode.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxEntries = std::size_t{1} << 20;
constexpr std::size_t kMaxPieceBytes = 1024;
constexpr int kBytes = 256;
// CLIP has 49408 pieces: the bytes, the bytes that end a word, one for each merge, start and end.
constexpr std::size_t kClipMerges = 49408 - 2 * kBytes - 2;

[[noreturn]] void refuse(const fs::path& file, const std::string& what) {
  throw Error(ErrorCode::kBadCheckpoint, "The tokenizer file " + file.string() + " " + what + ".",
              "Name a folder with vocab.json and merges.txt, a tokenizer.json or a list of merges.",
              file.string());
}

struct GzClose {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzHandle = std::unique_ptr<gzFile_s, GzClose>;

// The whole file, unpacked where it is gzipped.
std::string read_file(const fs::path& path) {
  const GzHandle file(gzopen(path.c_str(), "rb"));
  if (!file) {
    throw Error(ErrorCode::kMissingFile,
                "The tokenizer file " + path.string() + " cannot be opened.", {}, path.string());
  }
  std::string content;
  std::array<char, 1 << 16> buffer{};
  int count = 0;
  while ((count = gzread(file.get(), buffer.data(), buffer.size())) > 0) {
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > kMaxFileBytes) refuse(path, "unpacks to more than 64 MiB");
  }
  if (count < 0) refuse(path, "is a damaged gzip file");
  return content;
}

bool is_printable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// The order in which CLIP numbers the bytes.
std::vector<unsigned char> bytes_in_order() {
  std::vector<unsigned char> bytes(kBytes);
  for (int i = 0; i < kBytes; ++i)
    bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(i);
  std::stable_partition(bytes.begin(), bytes.end(), is_printable);
  return bytes;
}

void add_merge(BpeVocabulary& vocabulary, const fs::path& file, std::string first,
               std::string second) {
  if (vocabulary.merges.size() >= kMaxEntries) refuse(file, "holds more than 2^20 merges");
  if (first.empty() || second.empty() || first.size() + second.size() > kMaxPieceBytes) {
    refuse(file, "has a merge that is not two pieces (number " +
                     std::to_string(vocabulary.merges.size()) + ")");
  }
  vocabulary.merges.emplace_back(std::move(first), std::move(second));
}

void add_merge_line(BpeVocabulary& vocabulary, const fs::path& file, const std::string& line) {
  std::istringstream words(line);
  std::string first;
  std::string second;
  std::string more;
  words >> first >> second;
  if (words >> more) second.clear();
  add_merge(vocabulary, file, std::move(first), std::move(second));
}

// The first line is a title; lines beyond CLIP's own count are merges that its vocabulary does not
// use.
void read_merges(BpeVocabulary& vocabulary, const fs::path& file) {
  std::istringstream lines(read_file(file));
  std::string line;
  std::getline(lines, line);
  while (vocabulary.merges.size() < kClipMerges && std::getline(lines, line)) {
    if (line.empty() && (lines >> std::ws).eof()) break;
    add_merge_line(vocabulary, file, line);
  }
  if (vocabulary.merges.empty()) refuse(file, "holds no merges");
}

json::value parse_json(const fs::path& file) {
  boost::system::error_code code;
  json::value value = json::parse(read_file(file), code);
  if (code) refuse(file, "is no valid JSON: " + code.message());
  return value;
}

const json::value& member(const json::value& value, std::string_view key, const fs::path& file) {
  const auto* object = value.if_object();
  const auto* found = object != nullptr ? object->if_contains(key) : nullptr;
  if (found == nullptr) refuse(file, "has no \"" + std::string(key) + "\"");
  return *found;
}

void add_id(BpeVocabulary& vocabulary, const fs::path& file, std::string_view piece,
            const json::value& id) {
  const auto* number = id.if_int64();
  if (number == nullptr || *number < 0 || *number >= static_cast<std::int64_t>(kMaxEntries)) {
    refuse(file, "gives a piece an id that is not an integer from 0 to 2^20");
  }
  vocabulary.ids.insert_or_assign(std::string(piece), *number);
}

void add_ids(BpeVocabulary& vocabulary, const fs::path& file, const json::value& pieces) {
  const auto* object = pieces.if_object();
  if (object == nullptr || object->size() > kMaxEntries) {
    refuse(file, "must list its pieces as an object of at most 2^20 ids");
  }
  for (const auto& [piece, id] : *object)
    add_id(vocabulary, file, piece, id);
}

std::string string_of(const json::value& value, const fs::path& file) {
  const auto* text = value.if_string();
  if (text == nullptr) refuse(file, "has something else where a string is expected");
  return std::string(*text);
}

// "a b" or ["a", "b"]: tokenizers wrote the first form up to 0.19.
void add_merge_value(BpeVocabulary& vocabulary, const fs::path& file, const json::value& merge) {
  if (const auto* pair = merge.if_array(); pair != nullptr && pair->size() == 2) {
    add_merge(vocabulary, file, string_of((*pair)[0], file), string_of((*pair)[1], file));
  } else {
    add_merge_line(vocabulary, file, string_of(merge, file));
  }
}

BpeVocabulary read_tokenizer_json(const fs::path& file) {
  const json::value root = parse_json(file);
  const json::value& model = member(root, "model", file);
  if (member(model, "type", file) != "BPE" ||
      member(model, "end_of_word_suffix", file) != kEndOfWord) {
    refuse(file, "is not CLIP's: its model must be a BPE whose words end in </w>");
  }
  BpeVocabulary vocabulary;
  add_ids(vocabulary, file, member(model, "vocab", file));
  const auto* merges = member(model, "merges", file).if_array();
  if (merges == nullptr) refuse(file, "must list its merges as an array");
  for (const json::value& merge : *merges)
    add_merge_value(vocabulary, file, merge);
  return vocabulary;
}

BpeVocabulary read_folder(const fs::path& folder) {
  if (!fs::exists(folder / "vocab.json")) return read_tokenizer_json(folder / "tokenizer.json");
  BpeVocabulary vocabulary;
  add_ids(vocabulary, folder / "vocab.json", parse_json(folder / "vocab.json"));
  read_merges(vocabulary, folder / "merges.txt");
  return vocabulary;
}

// OpenAI's rule: bytes, bytes that end a word, merges, start, end.
BpeVocabulary read_merge_list(const fs::path& file) {
  BpeVocabulary vocabulary;
  read_merges(vocabulary, file);
  std::int64_t next = 0;
  const auto add = [&](const std::string& piece) {
    vocabulary.ids.insert_or_assign(piece, next++);
  };
  for (const unsigned char byte : bytes_in_order())
    add(byte_piece(byte));
  for (const unsigned char byte : bytes_in_order())
    add(byte_piece(byte) + kEndOfWord);
  for (const auto& [first, second] : vocabulary.merges)
    add(first + second);
  add(kClipStart);
  add(kClipEnd);
  return vocabulary;
}

BpeVocabulary read_any(const fs::path& path) {
  if (fs::is_directory(path)) return read_folder(path);
  if (path.extension() == ".json") return read_tokenizer_json(path);
  return read_merge_list(path);
}

}  // namespace

std::string byte_piece(unsigned char byte) {
  std::string piece;
  if (is_printable(byte)) {
    append_utf8(piece, byte);
    return piece;
  }
  int unprintable = 0;
  for (int other = 0; other < byte; ++other)
    unprintable += is_printable(other) ? 0 : 1;
  append_utf8(piece, static_cast<char32_t>(kBytes + unprintable));
  return piece;
}

BpeVocabulary read_bpe_vocabulary(const fs::path& path) {
  BpeVocabulary vocabulary = read_any(path);
  for (const char* special : {kClipStart, kClipEnd}) {
    if (!vocabulary.ids.contains(special)) refuse(path, std::string("has no piece ") + special);
  }
  return vocabulary;
}

fs::path shipped_bpe_vocabulary() {
  if (const char* file = std::getenv("TANDEM_CLIP_VOCABULARY"); file != nullptr) return file;
  std::error_code code;
  const auto program = fs::read_symlink("/proc/self/exe", code);
  const auto installed = program.parent_path() / "../share/tandem/bpe_simple_vocab_16e6.txt.gz";
  return fs::exists(installed, code) ? installed : fs::path(TANDEM_CLIP_VOCABULARY);
}

}  // namespace tandem::models
