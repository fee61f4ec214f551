// Which of a job's embeddings a text names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/service/job_executor.hpp"
#include "protocol/units/encode_text.hpp"

namespace tandem::coordinator {

// The embeddings that a unit for this prompt needs; nullopt where the job names none at all: the
// word is then ordinary text. Throws as models::parse_prompt does.
std::optional<std::vector<EmbeddingFile>> prompt_embeddings(const AcceptedJob& job,
                                                            const job::Prompt& prompt);

// How many names the prompt has that the job does not.
std::size_t missing_embeddings(const AcceptedJob& job, const job::Prompt& prompt);

// Width of the vectors that a text encoder ("l", "g", "h") finds in the file; 0 where it is not the
// only question which tensor is meant. Reads the header.
std::int64_t embedding_width(const std::string& file, const std::string& encoder);

}  // namespace tandem::coordinator
