// The text encoder of a model: texts to tokens to what the diffusion model is conditioned on.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/text/clip.hpp"
#include "models/text/clip_config.hpp"
#include "models/text/embeddings.hpp"
#include "models/text/prompt.hpp"
#include "models/text/tokenizers/bpe.hpp"

namespace tandem::models {

// A text for each section, as {"text_g": ..., "text_l": ...} gives them: "l" is CLIP-L, "g"
// OpenCLIP bigG, "h" ViT-H.
struct TextSections {
  std::map<std::string, std::string> text;
};

// The chunks of each section.
struct Tokens {
  std::map<std::string, std::vector<TokenChunk>> sections;

  bool operator==(const Tokens&) const = default;
};

struct EncodedText {
  at::Tensor cond;  // (1, tokens, width) float32, the chunks one after the other
  std::optional<at::Tensor>
      pooled;  // (1, width) float32; nothing where a projection is needed and not in the file
};

struct TextEncoderPart {
  std::string section;
  Weights weights;  // of this encoder alone, named as config.layout says
  ClipConfig config;
};

// How a family uses one of its encoders.
struct EncoderRole {
  const char* section;
  bool pads_with_end;  // otherwise with token 0
  ClipLayer layer;     // without clip_skip
  bool projects_pooled;
};

// The encoders of one model. encode() is const and may run on several threads.
class TextEncoder {
 public:
  // The sections decide the family: l (SD1), h (SD2), l and g (SDXL), g (SDXL's refiner). Throws
  // kUnsupported for any other set, and as ClipTextModel does.
  TextEncoder(const std::vector<TextEncoderPart>& parts,
              std::shared_ptr<const BpeTokenizer> tokenizer);

  // The sections in the order in which their encodings are joined.
  std::vector<std::string> sections() const;

  // The same text for every section. Throws as tokenize_prompt does.
  Tokens tokenize(const std::string& text) const;
  // A section with fewer chunks than another is filled with those of an empty text. Throws
  // kBadRequest for a section that is missing or that the model does not have, and as
  // tokenize_prompt does. embeddings: those that "embedding:" may name; nullptr: none is known.
  Tokens tokenize(const TextSections& texts, const Embeddings* embeddings = nullptr) const;
  // Given ids (chunks, 77) of a whole-number type and weights (chunks, 77) of a real one, both on
  // the CPU; every section gets them as they are. Throws kBadShape; encode() throws for ids that
  // the encoder lacks.
  Tokens tokenize(const at::Tensor& ids, const at::Tensor& weights) const;

  // Encodes tokens, on the encoder's device. A token of weight w becomes e + (z - e) w, z being its
  // own encoding and e that at the same place of an empty text. Sections are joined along the width
  // and cut to the shortest; pooled is that of the last section, from its first chunk, without
  // weights. embeddings: that the tokens were made with; vectors of another width than the
  // encoder's are left out, the chunk being filled up with padding, while the weights keep their
  // places, as in ComfyUI. clip_skip, from -1 down, takes the place of the family's layer. Throws
  // kOutOfRange for another number and for ids that the encoder lacks; kBadRequest where the tokens
  // have other sections than the model or one without chunks.
  EncodedText encode(const Tokens& tokens, std::optional<int> clip_skip,
                     const Embeddings& embeddings = {}) const;

 private:
  struct Encoder {
    EncoderRole role;
    ClipTextModel model;
  };

  std::int64_t pad_id(const EncoderRole& role) const;
  EncodedText encode_section(const Encoder& encoder, const std::vector<TokenChunk>& chunks,
                             const ClipLayer& layer, const std::vector<at::Tensor>& vectors) const;

  std::shared_ptr<const BpeTokenizer> tokenizer_;
  std::vector<Encoder> encoders_;
};

}  // namespace tandem::models
