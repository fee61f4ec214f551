// What a picture says about itself: for people and other programs as Stable Diffusion's web UI
// writes it, and for Tandem the job itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/job/job.hpp"
#include "tools/image/png.hpp"

namespace tandem::client {

inline constexpr std::string_view kParametersKeyword = "parameters";
inline constexpr std::string_view kJobKeyword = "tandem";

struct PictureFacts {
  std::uint32_t width = 0;  // pixels, as written
  std::uint32_t height = 0;
  std::size_t index = 0;  // in its batch
  std::size_t batch = 1;
};

// "PROMPT\nNegative prompt: TEXT\nSteps: 20, Sampler: Euler, Schedule type: Normal, CFG scale: 7,
// ...": the format of AUTOMATIC1111's "infotext". Holds only what the job says; what it leaves out
// (a prompt given as tensors, a sampler) is left out.
std::string parameters_text(const job::Job& job, const PictureFacts& facts);

// Both chunks. The job's input files are to be absolute by now; of its outputs only the image
// stays, under its bare file name, so that a repetition writes beside the picture or below
// --out-dir.
std::vector<PngText> picture_texts(const job::Job& job, const PictureFacts& facts);

// The JSON of the chunk "tandem". Throws kNotFound, naming the text chunks there are, where a
// picture carries none; `name` is the picture's in messages.
std::string_view find_job_text(std::span<const PngText> texts, std::string_view name);

}  // namespace tandem::client
