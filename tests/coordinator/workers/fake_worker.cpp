// A worker that computes nothing: it gives a DecodeLatent's latent back as its image. What the
// latent's bytes say makes it misbehave: "die" ends it, "fail" and "bad" are failures that may and
// may not be tried again, "slow" takes a while, "wait" takes for ever, "slab" claims GPU memory
// that it was not given. "models" and "copy" are answered with the models that it holds and the
// inode of their converted weights. A model takes 1000 bytes; of its files, "/die" ends the worker,
// "/oom" does not fit beside another model, "/half" has to be converted. It imports no GPU memory.
// Its list of accelerators names the current one.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sys/stat.h>
#include <thread>

#include "ipc/memory/memfd.hpp"
#include "ipc/process/die_with_parent.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "protocol/codec.hpp"

namespace {

using namespace tandem;

using HeldModels = std::map<ModelId, ino_t>;  // with the inode of the converted weights

ino_t inode(const ipc::Fd& fd) {
  struct stat status {};
  ::fstat(fd.get(), &status);
  return status.st_ino;
}

FromWorker load(const LoadModel& message, ipc::Frame& frame, HeldModels& held,
                std::vector<ipc::Fd>& made) {
  if (message.spec.file == "/die") std::abort();
  if (message.spec.file == "/oom" && !held.empty()) {
    return ModelFailed{message.model, message.part, {ErrorCode::kOutOfMemory, "as asked"}};
  }
  ino_t copy = 0;
  if (!frame.fds.empty()) {
    copy = inode(frame.fds.front());
  } else if (message.spec.file == "/half") {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ipc::Memfd memory = ipc::Memfd::create("fake", 64);
    memory.seal(ipc::Sealing::kContent);
    made.push_back(memory.reopen_read_only());
    copy = inode(made.front());
  }
  held[message.model] = copy;
  return ModelLoaded{message.model, message.part, 1000, 0.0};
}

std::string answer(const std::string& question, ModelId model, const HeldModels& held) {
  if (question == "copy") return std::to_string(held.at(model));
  std::string models;
  for (const auto& [id, copy] : held)
    models += std::to_string(id.value) + " ";
  return models;
}

FromWorker run(const RunUnit& message, const HeldModels& held) {
  const auto& latent = std::get<DecodeLatent>(message.unit).latent;
  const std::string& text = std::get<InlineTensor>(latent).bytes;
  if (text == "die") std::abort();
  if (text == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(300));
  if (text == "wait") std::this_thread::sleep_for(std::chrono::hours(1));
  if (text == "fail") {
    return UnitFailed{message.unit_id, message.generation, {ErrorCode::kInternal, "as asked"}};
  }
  if (text == "bad") {
    return UnitFailed{message.unit_id, message.generation, {ErrorCode::kBadShape, "as asked"}};
  }
  DecodeLatentResult result{latent};
  if (text == "models" || text == "copy") {
    const std::string words = answer(text, std::get<DecodeLatent>(message.unit).model, held);
    result.image = InlineTensor{{DType::kU8, {static_cast<std::int64_t>(words.size())}}, words};
  }
  return UnitDone{message.unit_id, message.generation, result, 0.001, text == "slab"};
}

void serve(ipc::BlockingConnection& connection) {
  const auto send = [&](const FromWorker& message, std::vector<ipc::Fd> fds = {}) {
    connection.send({kind_of(message), encode(message), std::move(fds)});
  };
  HeldModels held;
  WorkerHello hello;
  hello.device = "sim";
  send(hello);
  while (auto frame = connection.receive()) {
    const ToWorker message = decode_to_worker(frame->body, frame->kind);
    if (const auto* model = std::get_if<LoadModel>(&message)) {
      std::vector<ipc::Fd> made;
      const FromWorker loaded = load(*model, *frame, held, made);
      send(loaded, std::move(made));
    }
    if (const auto* model = std::get_if<UnloadModel>(&message)) held.erase(model->model);
    if (const auto* unit = std::get_if<RunUnit>(&message)) send(run(*unit, held));
    if (std::holds_alternative<AttachSlab>(message)) send(SlabAttached{"no GPU here"});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list-accelerators") == 0) {
    return std::puts(R"({"current":"npu","types":[]})") < 0 ? 1 : 0;
  }
  ipc::die_with_parent();
  ipc::ignore_sigpipe();
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--fd") != 0) continue;
    ipc::BlockingConnection connection(ipc::Fd(std::atoi(argv[i + 1])), ipc::FrameFormat::kWorker);
    serve(connection);
    return 0;
  }
  return 2;
}
