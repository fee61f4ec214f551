#include "protocol/codec.hpp"

#include <random>

#include <gtest/gtest.h>

namespace tandem {
namespace {

TensorHandle shared_tensor() {
  return SharedMemoryTensor{{DType::kF32, {1, 4, 64, 64}}, SegmentId{3}, 128};
}

std::vector<ToWorker> messages_to_worker() {
  Denoise denoise{ModelId{1}, {}, shared_tensor(), 14.6F, {ConstantId{1}, ConstantId{2}}};
  denoise.sigmas.parameterization = Parameterization::kVPrediction;
  denoise.region = {LatentWindow{2, {3, 4, 0}}, LatentArea{8, 9, 1, 2}, 3};
  denoise.patches = {{{{"/lora", 1, 2, 3, 4}, 0.5}}, {{{"/hook", 5, 6, 7, 8}, -1.0}}};
  denoise.sigmas.betas = Betas::kLinear;
  denoise.motion = {1.3, 0.6};
  denoise.item_sigmas = {1.5F, 2.5F};
  EncodeText text;
  text.patches.loras = denoise.patches.hooks;
  text.embeddings = {{"style", {"/style", 1, 2, 3, 4}}};
  text.sections = {{"l", "a red circle"}, {"g", ""}};
  text.clip_skip = -2;
  CondData cond{InlineTensor{{DType::kF16, {1}}, "ab"},
                shared_tensor(),
                std::array<double, 6>{1, 2, 3},
                shared_tensor(),
                shared_tensor(),
                {{"wrapper", "p", R"({"a": 1})"}, {"callback", "q", ""}}};
  PluginUnit plugin{"p", "k", "{}", {{"in", shared_tensor()}}, {{"out", {DType::kU8, {3}}}}};
  SlabOffer offer;
  offer.memory[3] = 'm';
  offer.bytes = 1 << 20;
  offer.inputs_ready[1][2] = 'i';
  offer.result_ready[kSlabTurns - 1][kCudaHandleBytes - 1] = 'r';
  offer.check_offset = 64;
  offer.check_seed = 7;
  return {AttachSegment{SegmentId{9}, 4096, true},
          AttachSegment{SegmentId{9}, 4096, true, 1 << 16},
          AttachSlab{offer},
          RunUnit{UnitId{8},
                  Generation{1},
                  DecodeLatent{ModelId{1}, shared_tensor(), true},
                  {SegmentId{1}, 64, 1024},
                  SlabTurn{3, true}},
          LoadModel{ModelId{1},
                    {"/a", "/b", {"/c"}, "", "/up", ComputeType::kF16, {}, {}, "/motion"},
                    {{"/a", 1, 2, 3, -4}},
                    ModelPart::kVae},
          UnloadModel{ModelId{2}, ModelPart::kVae},
          PutConstant{ConstantId{5}, cond},
          PutFile{ConstantId{6}, {"lora.", 0, 2, 3, 0}},
          DropConstants{{ConstantId{5}}},
          RunUnit{UnitId{1}, Generation{2}, denoise, {SegmentId{1}, 64, 1024}},
          RunUnit{UnitId{2}, Generation{1}, text, {}},
          RunUnit{UnitId{3}, Generation{1}, DecodeLatent{ModelId{1}, shared_tensor(), true}, {}},
          RunUnit{UnitId{4}, Generation{1}, EncodeImage{ModelId{1}, shared_tensor()}, {}},
          RunUnit{UnitId{5},
                  Generation{1},
                  Forward{ModelId{1}, shared_tensor(), shared_tensor(), {}, {}},
                  {}},
          RunUnit{UnitId{6}, Generation{1}, UpscaleTile{ModelId{1}, shared_tensor()}, {}},
          RunUnit{UnitId{7}, Generation{1}, plugin, {}},
          Shutdown{}};
}

std::vector<FromWorker> messages_from_worker() {
  Failure failure{ErrorCode::kOutOfMemory, "no room"};
  failure.needed_bytes = 1ULL << 40;
  EncodeTextResult text;
  text.cond = shared_tensor();
  text.tokens = {{"l", {{{49406, 1.0}, {320, 1.3}}}}};
  return {WorkerHello{1, 42, "cpu", "a processor", 2, false, 1ULL << 34, 1ULL << 33,
                      Transport::kPageable},
          SlabAttached{"no such handle"},
          UnitDone{UnitId{2}, Generation{1}, UpscaleTileResult{shared_tensor()}, 0.02, true},
          ModelLoaded{ModelId{1}, ModelPart::kText, 100, 0.5, 50},
          ModelFailed{ModelId{1}, ModelPart::kUnet, failure},
          UnitDone{UnitId{1}, Generation{3}, DenoiseResult{shared_tensor()}, 0.02},
          UnitDone{UnitId{1}, Generation{3}, text, 0.02},
          UnitDone{UnitId{2}, Generation{1}, UpscaleTileResult{shared_tensor()}, 0.02},
          UnitDone{UnitId{1}, Generation{3}, PluginUnitResult{{shared_tensor()}}, 0.02},
          UnitFailed{UnitId{1}, Generation{3}, failure}};
}

TEST(Codec, EveryMessageComesBackAsItWas) {
  for (const ToWorker& message : messages_to_worker()) {
    EXPECT_EQ(decode_to_worker(encode(message), kind_of(message)), message);
  }
  for (const FromWorker& message : messages_from_worker()) {
    EXPECT_EQ(decode_from_worker(encode(message), kind_of(message)), message);
  }
}

TEST(Codec, AMessageCutAnywhereIsRefused) {
  for (const ToWorker& message : messages_to_worker()) {
    const std::string bytes = encode(message);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_THROW(decode_to_worker(std::string_view(bytes).substr(0, length), kind_of(message)),
                   Error);
    }
  }
}

TEST(Codec, TheKindMustBeTheHeaders) {
  const ToWorker message = Shutdown{};
  EXPECT_THROW(decode_to_worker(encode(message), 0), Error);
  EXPECT_THROW(decode_to_worker(encode(message) + "x", kind_of(message)), Error);
}

TEST(Codec, ChangedBytesAreAMessageOrAnError) {
  std::mt19937 random(1);
  for (const FromWorker& message : messages_from_worker()) {
    const std::string good = encode(message);
    for (int round = 0; round < 500; ++round) {
      std::string bytes = good;
      bytes[random() % bytes.size()] = static_cast<char>(random());
      try {
        decode_from_worker(bytes, kind_of(message));
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kBadFrame);
      }
    }
  }
}

}  // namespace
}  // namespace tandem
