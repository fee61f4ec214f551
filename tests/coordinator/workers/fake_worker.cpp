// A worker that computes nothing: it gives a DecodeLatent's latent back as its image. What the
// latent's bytes say makes it misbehave: "die" ends it, "fail" and "bad" are failures that may and
// may not be tried again, "slow" takes a while.
#include <cstdlib>
#include <cstring>
#include <thread>

#include "ipc/process/die_with_parent.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "protocol/codec.hpp"

namespace {

using namespace tandem;

FromWorker run(const RunUnit& message) {
  const auto& latent = std::get<DecodeLatent>(message.unit).latent;
  const std::string& text = std::get<InlineTensor>(latent).bytes;
  if (text == "die") std::abort();
  if (text == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(300));
  if (text == "fail") {
    return UnitFailed{message.unit_id, message.generation, {ErrorCode::kInternal, "as asked"}};
  }
  if (text == "bad") {
    return UnitFailed{message.unit_id, message.generation, {ErrorCode::kBadShape, "as asked"}};
  }
  return UnitDone{message.unit_id, message.generation, DecodeLatentResult{latent}, 0.001};
}

void serve(ipc::BlockingConnection& connection) {
  const auto send = [&](const FromWorker& message) {
    connection.send({kind_of(message), encode(message), {}});
  };
  WorkerHello hello;
  hello.device = "sim";
  send(hello);
  while (auto frame = connection.receive()) {
    const ToWorker message = decode_to_worker(frame->body, frame->kind);
    if (const auto* load = std::get_if<LoadModel>(&message)) {
      if (load->spec.file == "/die") std::abort();
      send(ModelLoaded{load->model, load->part, 1000, 0.0});
    }
    if (const auto* unit = std::get_if<RunUnit>(&message)) send(run(*unit));
  }
}

}  // namespace

int main(int argc, char** argv) {
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
