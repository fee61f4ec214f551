#include "tests/models/support/manifest.hpp"

#include <array>
#include <memory>
#include <stdexcept>
#include <zlib.h>

#include <boost/json/parse.hpp>

namespace tandem::models {
namespace {

std::string read_gzip(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile_s*)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::string text;
  std::array<char, 65536> buffer = {};
  for (int count = 1; count > 0;) {
    count = gzread(file.get(), buffer.data(), buffer.size());
    if (count < 0) throw std::runtime_error("cannot read " + path);
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

std::vector<NamedLayout> read_manifest(const std::string& name) {
  const auto root =
      boost::json::parse(read_gzip(std::string(TANDEM_MANIFEST_DIR) + "/" + name + ".json.gz"));
  std::vector<NamedLayout> tensors;
  for (const auto& [key, value] : root.at("tensors").as_object()) {
    const auto& row = value.as_array();
    TensorLayout layout;
    layout.dtype = find_safetensors_dtype(row.at(0).as_string().c_str()).value();
    for (const auto& size : row.at(1).as_array())
      layout.shape.push_back(size.as_int64());
    tensors.emplace_back(key, layout);
  }
  return tensors;
}

}  // namespace tandem::models
