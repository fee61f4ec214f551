#include "protocol/safetensors.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "protocol/error.hpp"

namespace tandem {
namespace {

namespace json = boost::json;

constexpr std::string_view kMetadata = "__metadata__";
constexpr std::size_t kMaxDepth = 3;  // the header, a tensor, its shape
constexpr std::size_t kAlignment = 64;

[[noreturn]] void refuse(std::string_view file, const std::string& what) {
  throw Error(ErrorCode::kBadCheckpoint,
              "'" + std::string(file) + "' is no valid safetensors file: " + what, {},
              std::string(file));
}

std::string quoted(std::string_view name) {
  return "'" + std::string(name) + "'";
}

// Receives the header's JSON piece by piece. A tree would keep only the last of two equal names and
// would need many times the header's size.
class HeaderHandler {
 public:
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;

  SafetensorsHeader take_header() { return std::move(header_); }
  const std::string& complaint() const { return complaint_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code& error) {
    if (++depth_ > 2 || in_array_) return fail(error, "an object where none may stand");
    if (depth_ == 2 && name_ == kMetadata && std::exchange(has_metadata_, true)) {
      return fail(error, "'__metadata__' twice");
    }
    entry_ = {};
    seen_.clear();
    return true;
  }

  bool on_object_end(std::size_t, json::error_code& error) {
    if (--depth_ == 0 || name_ == kMetadata) return true;
    if (seen_.size() != 3) {
      return fail(error,
                  "a tensor " + quoted(name_) + " without 'dtype', 'shape' or 'data_offsets'");
    }
    return header_.tensors.emplace(name_, std::move(entry_)).second ||
           fail(error, "a tensor " + quoted(name_) + " that is there twice");
  }

  bool on_array_begin(json::error_code& error) {
    if (in_array_ || depth_ != 2 || (key_ != "shape" && key_ != "data_offsets")) {
      return fail(error, "an array at " + quoted(key_));
    }
    in_array_ = true;
    numbers_.clear();
    return true;
  }

  bool on_array_end(std::size_t, json::error_code& error) {
    in_array_ = false;
    if (key_ == "shape") {
      entry_.layout.shape = numbers_;
      return true;
    }
    if (numbers_.size() != 2) return fail(error, "data_offsets that are not two numbers");
    entry_.begin = static_cast<std::uint64_t>(numbers_[0]);
    entry_.end = static_cast<std::uint64_t>(numbers_[1]);
    return true;
  }

  bool on_key_part(json::string_view text, std::size_t, json::error_code&) {
    text_.append(text.data(), text.size());
    return true;
  }

  bool on_key(json::string_view text, std::size_t, json::error_code& error) {
    text_.append(text.data(), text.size());
    std::string& target = depth_ == 1 ? name_ : key_;
    target = std::exchange(text_, {});
    if (depth_ == 1 || name_ == kMetadata) return true;
    const bool known = key_ == "dtype" || key_ == "shape" || key_ == "data_offsets";
    if (known && seen_.insert(key_).second) return true;
    return fail(error, "a tensor " + quoted(name_) + " with a key " + quoted(key_) +
                           (known ? " that is there twice" : " that is unknown"));
  }

  bool on_string_part(json::string_view text, std::size_t, json::error_code&) {
    text_.append(text.data(), text.size());
    return true;
  }

  bool on_string(json::string_view text, std::size_t, json::error_code& error) {
    text_.append(text.data(), text.size());
    std::string value = std::exchange(text_, {});
    if (depth_ == 2 && name_ == kMetadata) {
      return header_.metadata.emplace(key_, std::move(value)).second ||
             fail(error, "metadata " + quoted(key_) + " twice");
    }
    if (depth_ != 2 || in_array_ || key_ != "dtype") return fail(error, "a text where none stands");
    return set_dtype(value, error);
  }

  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, json::error_code& error) {
    if (!in_array_) return fail(error, "a number outside of 'shape' and 'data_offsets'");
    if (value < 0) return fail(error, "a negative number in tensor " + quoted(name_));
    if (numbers_.size() == kMaxTensorDims) {
      return fail(error, "a tensor " + quoted(name_) + " of more than " +
                             std::to_string(kMaxTensorDims) + " dimensions");
    }
    numbers_.push_back(value);
    return true;
  }
  bool on_uint64(std::uint64_t, json::string_view text, json::error_code& error) {
    return fail(error, "the number " + std::string(text) + ", which is too large");
  }
  bool on_double(double, json::string_view text, json::error_code& error) {
    return fail(error, "the number " + std::string(text) + ", which is no whole number");
  }
  bool on_bool(bool, json::error_code& error) { return fail(error, "a boolean"); }
  bool on_null(json::error_code& error) { return fail(error, "a null"); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool fail(json::error_code& error, std::string complaint) {
    complaint_ = std::move(complaint);
    error = json::error::syntax;
    return false;
  }

  bool set_dtype(const std::string& value, json::error_code& error) {
    const std::optional<DType> dtype = find_safetensors_dtype(value);
    if (!dtype) {
      return fail(error, "a tensor " + quoted(name_) + " of the unknown element type " +
                             quoted(value.substr(0, 32)));
    }
    entry_.layout.dtype = *dtype;
    return true;
  }

  SafetensorsHeader header_;
  std::string complaint_;
  std::string text_;  // of a key or string that comes in parts
  std::string name_;  // of the tensor being read
  std::string key_;   // inside of it
  SafetensorsEntry entry_;
  std::vector<std::int64_t> numbers_;
  std::set<std::string> seen_;  // keys of the tensor being read
  int depth_ = 0;
  bool in_array_ = false;
  bool has_metadata_ = false;
};

SafetensorsHeader parse_json(std::string_view text, std::string_view file) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::basic_parser<HeaderHandler> parser(options);
  json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  const HeaderHandler& handler = parser.handler();
  if (!handler.complaint().empty()) refuse(file, "its header has " + handler.complaint() + ".");
  if (error) {
    refuse(file, "its header is no JSON (byte " + std::to_string(kSafetensorsLengthBytes + read) +
                     ": " + error.message() + ").");
  }
  if (text.find_first_not_of(' ', read) != std::string_view::npos) {
    refuse(file, "there is something behind the header's JSON.");
  }
  return parser.handler().take_header();
}

std::uint64_t checked_byte_size(const std::string& name, const TensorLayout& layout,
                                std::string_view file) {
  try {
    return byte_size(layout);
  } catch (const Error& error) {
    refuse(file, "tensor " + quoted(name) + ": " + error.what());
  }
}

// Every tensor must be as long as its shape says and begin where the one before it ends.
void check_offsets(const SafetensorsHeader& header, std::uint64_t file_size,
                   std::string_view file) {
  using Item = std::pair<const std::string*, const SafetensorsEntry*>;
  std::vector<Item> items;
  items.reserve(header.tensors.size());
  for (const auto& [name, entry] : header.tensors)
    items.emplace_back(&name, &entry);
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
  });
  std::uint64_t position = 0;
  for (const auto& [name, entry] : items) {
    const std::uint64_t bytes = checked_byte_size(*name, entry->layout, file);
    if (entry->begin != position || entry->end < entry->begin || entry->end - position != bytes) {
      refuse(file, "tensor " + quoted(*name) + " has " + std::to_string(bytes) +
                       " bytes and should begin at byte " + std::to_string(position) +
                       " of the data, but its data_offsets are [" + std::to_string(entry->begin) +
                       ", " + std::to_string(entry->end) + "].");
    }
    position = entry->end;
  }
  const std::uint64_t expected = header.data_offset + position;
  if (expected > file_size) {
    refuse(file, "expected " + std::to_string(expected) + " bytes, the file has " +
                     std::to_string(file_size) + ": the download is incomplete.");
  }
  if (expected < file_size) {
    refuse(file, "expected " + std::to_string(expected) + " bytes, the file has " +
                     std::to_string(file_size) + ": there is something behind its last tensor.");
  }
}

void append_length(std::string& bytes, std::uint64_t length) {
  for (int shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<char>((length >> shift) & 0xff));
  }
}

json::object describe(const TensorLayout& layout, std::uint64_t begin, std::uint64_t end) {
  json::object entry;
  const std::string_view dtype = safetensors_name(layout.dtype);
  entry["dtype"] = json::string_view(dtype.data(), dtype.size());
  entry["shape"] = json::array(layout.shape.begin(), layout.shape.end());
  entry["data_offsets"] = json::array({begin, end});
  return entry;
}

}  // namespace

const SafetensorsEntry* SafetensorsHeader::find(std::string_view name) const {
  const auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

std::uint64_t safetensors_head_bytes(std::span<const std::byte> first, std::uint64_t file_size,
                                     std::string_view file) {
  if (file_size < kSafetensorsLengthBytes || first.size() < kSafetensorsLengthBytes) {
    refuse(file, "it has " + std::to_string(file_size) + " bytes, and 8 are the least.");
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kSafetensorsLengthBytes; ++i) {
    length |= static_cast<std::uint64_t>(first[i]) << (8 * i);
  }
  if (length > kMaxSafetensorsHeaderBytes) {
    refuse(file, "it announces a header of " + std::to_string(length) + " bytes; at most " +
                     std::to_string(kMaxSafetensorsHeaderBytes) + " are allowed.");
  }
  if (length > file_size - kSafetensorsLengthBytes) {
    refuse(file, "its header ends at byte " + std::to_string(length + kSafetensorsLengthBytes) +
                     ", the file has " + std::to_string(file_size) +
                     ": the download is incomplete.");
  }
  return kSafetensorsLengthBytes + length;
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> head, std::uint64_t file_size,
                                           std::string_view file) {
  const std::uint64_t head_bytes = safetensors_head_bytes(head, file_size, file);
  if (head.size() < head_bytes) {
    throw Error(ErrorCode::kInternal, "A safetensors header of " + std::to_string(head_bytes) +
                                          " bytes was given as " + std::to_string(head.size()) +
                                          ".");
  }
  const auto* text = reinterpret_cast<const char*>(head.data());
  SafetensorsHeader header =
      parse_json({text + kSafetensorsLengthBytes, head_bytes - kSafetensorsLengthBytes}, file);
  header.data_offset = head_bytes;
  check_offsets(header, file_size, file);
  return header;
}

SafetensorsHead build_safetensors_header(std::span<const NamedLayout> tensors,
                                         const std::map<std::string, std::string>& metadata) {
  json::object root;
  if (!metadata.empty()) {
    json::object& texts =
        root[json::string_view(kMetadata.data(), kMetadata.size())].emplace_object();
    for (const auto& [key, value] : metadata)
      texts[key] = value;
  }
  SafetensorsHead head;
  std::uint64_t position = 0;
  for (const auto& [name, layout] : tensors) {
    const std::uint64_t end = position + byte_size(layout);
    if (name == kMetadata || !root.emplace(name, describe(layout, position, end)).second) {
      throw Error(ErrorCode::kInternal, "Two tensors named '" + name + "' for one file.");
    }
    head.offsets.push_back(position);
    position = end;
  }
  std::string text = json::serialize(root);
  const std::size_t unaligned = (kSafetensorsLengthBytes + text.size()) % kAlignment;
  if (unaligned != 0) text.append(kAlignment - unaligned, ' ');
  append_length(head.bytes, text.size());
  head.bytes += text;
  for (std::uint64_t& offset : head.offsets)
    offset += head.bytes.size();
  head.file_size = head.bytes.size() + position;
  return head;
}

}  // namespace tandem
