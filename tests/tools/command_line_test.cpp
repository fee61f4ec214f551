#include "tools/tandem/command_line.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <gtest/gtest.h>

#include "tests/tools/fake_service.hpp"
#include "tests/tools/test_folder.hpp"
#include "tools/client/job_file.hpp"
#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/exit_status.hpp"

namespace tandem::client {
namespace {

struct Ran {
  int status = 0;
  std::string out, error;
};

Ran run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "tandem");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments)
    argv.push_back(argument.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.status = run_command_line(static_cast<int>(argv.size()), argv.data());
  ran.out = testing::internal::GetCapturedStdout();
  ran.error = testing::internal::GetCapturedStderr();
  return ran;
}

class CommandLineTest : public testing::Test {
 protected:
  std::string socket() const { return (folder_ / "s.sock").string(); }
  std::string job(const std::string& text) {
    write_text(folder_ / "job.json", R"({"version": 1, "positive": [{"text": ")" + text +
                                         R"("}], "output": {"image": "i.png"}})");
    return (folder_ / "job.json").string();
  }
  Ran run_at_socket(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--socket", socket()});
    return run(arguments);
  }

  TestFolder folder_;
};

TEST_F(CommandLineTest, HelpListsEveryCommand) {
  const Ran ran = run({"--help"});
  EXPECT_EQ(ran.status, kDone);
  for (const Command& command : kCommands) {
    EXPECT_NE(ran.out.find(std::string("  ") + command.name + " "), std::string::npos)
        << command.name;
    EXPECT_EQ(run({command.name, "--help"}).status, kDone) << command.name;
  }
  EXPECT_TRUE(run({"--version"}).out.starts_with("tandem "));
}

TEST_F(CommandLineTest, AWrongCommandLineIsUsage) {
  const std::string file = job("x");
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"bench"},
      {"run"},
      {"run", "none.json"},
      {"run", file, "--tensors", "none.safetensors"},
      {"run", file, "--bogus"},
      {"run", file, "--threads", "0"},
      {"run", file, "--socket", socket(), "--devices", "cpu:1"},
      {"txt2img", "x", "--steps", "0"},
      {"txt2img", "x", "-W", "8"},
      {"upscale", file},
      {"upscale", file, "--model", "none.safetensors"},
      {"upscale", file, "--model", file, "--tile", "0"},
      {"upscale", file, "--model", file, "--tile", "32", "--overlap", "32"},
      {"submit", file, "--priority", "11"},
      {"run", file, "--cuda-device", "0,"},
      {"run", file, "--cuda-graphs", "on"},
      {"run", file, "--busy-wait", "maybe"},
      {"run", file, "--transport", "nccl"},
      {"wait"},
      {"cancel"},
      {"unload"},
      {"worker", "cpu"},
      {"worker", "cpu", "sleep"},
      {"unload", "--all", "--model", "m"}};
  for (const auto& arguments : wrong) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.status, kUsage) << testing::PrintToString(arguments);
    EXPECT_TRUE(ran.error.starts_with("tandem: ")) << ran.error;
    EXPECT_NE(ran.error.find("hint: tandem"), std::string::npos);
  }
}

TEST_F(CommandLineTest, NoServiceHasItsOwnStatus) {
  const std::string file = job("x");
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"down"},
                                                                     {"status"},
                                                                     {"devices"},
                                                                     {"catalog", "--json"},
                                                                     {"jobs"},
                                                                     {"cancel", "j"},
                                                                     {"unload", "--all"},
                                                                     {"worker", "cpu", "drain"},
                                                                     {"wait", "j"},
                                                                     {"submit", file},
                                                                     {"run", file}}) {
    EXPECT_EQ(run_at_socket(arguments).status, kNoService) << arguments.front();
  }
}

TEST_F(CommandLineTest, RunWritesBesideTheJob) {
  const FakeService service(socket());
  const Ran ran = run_at_socket({"run", job("x")});
  EXPECT_EQ(ran.status, kDone) << ran.error;
  EXPECT_EQ(ran.out, (folder_ / "i.png").string() + "\n");
  EXPECT_NE(ran.error.find("sampling\nstep 1/2, 2.00 it/s"), std::string::npos) << ran.error;
  EXPECT_EQ(load_job(folder_ / "i.png").job.output.image.file, "i.png");
}

TEST_F(CommandLineTest, RunRepeatsAPicture) {
  const FakeService service(socket());
  run_at_socket({"run", job("x")});
  const Ran beside = run_at_socket({"run", (folder_ / "i.png").string()});
  EXPECT_EQ(beside.out, (folder_ / "i-repeat.png").string() + "\n");
  const Ran ran = run_at_socket(
      {"run", (folder_ / "i.png").string(), "--out-dir", (folder_ / "new").string(), "--json"});
  EXPECT_EQ(ran.status, kDone) << ran.error;
  const boost::json::object json = boost::json::parse(ran.out).as_object();
  EXPECT_EQ(json.at("state"), "done");
  EXPECT_EQ(boost::json::value_to<std::string>(json.at("outputs").at("image").at(0)),
            (folder_ / "new/i.png").string());
  EXPECT_EQ(read_text(folder_ / "new/i.png"), read_text(folder_ / "i.png"));
}

TEST_F(CommandLineTest, AFailedJobIsToldAndLeavesNoFile) {
  const FakeService service(socket());
  const Ran ran = run_at_socket({"run", job("fail"), "--json"});
  EXPECT_EQ(ran.status, kFailed);
  EXPECT_TRUE(ran.error.ends_with("tandem: too large (out_of_memory)\nhint: make it smaller\n"))
      << ran.error;
  const boost::json::object json = boost::json::parse(ran.out).as_object();
  EXPECT_EQ(json.at("state"), "failed");
  EXPECT_EQ(json.at("error").at("code"), "out_of_memory");
  EXPECT_EQ(folder_.names(), (std::vector<std::string>{"job.json", "s.sock"}));
}

TEST_F(CommandLineTest, ABadJobIsRefusedWithoutAService) {
  write_text(folder_ / "job.json", R"({"version": 1, "samplr": {}, "output": {"latent": "l"}})");
  const Ran ran = run_at_socket({"run", (folder_ / "job.json").string()});
  EXPECT_EQ(ran.status, kFailed);
  EXPECT_NE(ran.error.find("job.json: samplr"), std::string::npos) << ran.error;
  EXPECT_NE(ran.error.find("(unknown_key)"), std::string::npos);
}

TEST_F(CommandLineTest, TensorsThatAreMissingAreAskedFor) {
  write_text(folder_ / "job.json",
             R"({"version": 1, "latent": {"tensor": "t"}, "output": {"latent": "l"}})");
  const Ran ran = run_at_socket({"run", (folder_ / "job.json").string()});
  EXPECT_EQ(ran.status, kFailed);
  EXPECT_NE(ran.error.find("--tensors"), std::string::npos) << ran.error;
}

TEST_F(CommandLineTest, UpscaleSendsThePictureWithItsJob) {
  const FakeService service(socket());
  run_at_socket({"run", job("x")});
  const std::string picture = (folder_ / "i.png").string();
  write_text(folder_ / "up.safetensors", "a model");
  const std::string model = (folder_ / "up.safetensors").string();
  const std::string large = (folder_ / "large.png").string();
  const Ran ran = run_at_socket(
      {"upscale", picture, "--model", model, "-o", large, "--tile", "64", "--overlap", "8"});
  EXPECT_EQ(ran.status, kDone) << ran.error;
  EXPECT_EQ(ran.out, large + "\n");
  const job::Job sent = load_job(large).job;
  EXPECT_EQ(sent.model.upscale, model);
  EXPECT_EQ(sent.upscale, (job::Upscale{"image", 64, 8}));
  EXPECT_FALSE(sent.sampler.has_value());
}

TEST_F(CommandLineTest, UpscaleRefusesWhatIsNoPicture) {
  const std::string file = job("x");
  const Ran ran = run_at_socket({"upscale", file, "--model", file});
  EXPECT_EQ(ran.status, kFailed);
  EXPECT_NE(ran.error.find("can't be read as a PNG"), std::string::npos) << ran.error;
}

TEST_F(CommandLineTest, SubmitAndWait) {
  const FakeService service(socket());
  const Ran submitted = run_at_socket({"submit", job("x")});
  EXPECT_TRUE(submitted.out.ends_with(" job-1\n")) << submitted.out;
  EXPECT_EQ(run_at_socket({"submit", job("x"), "--json"}).out, "{\"job\":\"job-1\"}\n");
  const Ran waited = run_at_socket({"wait", "job-1", "--out-dir", (folder_ / "o").string()});
  EXPECT_EQ(waited.status, kDone) << waited.error;
  EXPECT_EQ(waited.out, (folder_ / "o/job-1-image.png").string() + "\n");
  EXPECT_EQ(run_at_socket({"wait", "other"}).status, kFailed);
}

TEST_F(CommandLineTest, ReportsAreTextOrJson) {
  const FakeService service(socket());
  EXPECT_EQ(run_at_socket({"jobs"}).out, "job-1  done  2/2\n");
  EXPECT_NE(run_at_socket({"status"}).out.find("cpu#0  ready  pid 4711"), std::string::npos);
  EXPECT_NE(run_at_socket({"catalog"}).out.find("samplers: euler\n"), std::string::npos);
  EXPECT_EQ(run_at_socket({"cancel", "job-1"}).out, "cancelled job-1\n");
  EXPECT_EQ(run_at_socket({"unload", "--all"}).out, "cpu  2.0 GiB before, 1.5 MiB after\n");
  EXPECT_TRUE(boost::json::parse(run_at_socket({"unload", "--model", "m", "--json"}).out)
                  .as_object()
                  .contains("after"));
  for (const char* command : {"jobs", "status", "devices", "catalog"}) {
    const Ran ran = run_at_socket({command, "--json"});
    EXPECT_TRUE(boost::json::parse(ran.out).is_object()) << command;
  }
}

}  // namespace
}  // namespace tandem::client
