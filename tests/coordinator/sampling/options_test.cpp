#include "coordinator/sampling/samplers/options.hpp"

#include <limits>
#include <set>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

using Given = std::map<std::string, job::OptionValue>;

const std::vector<OptionRow> kRows = {
    {"eta", 1.0},
    {"order", std::int64_t{2}, 1, 4},
    {"rtol", 0.5, 0.0},
    {.name = "solver", .fallback = std::string("heun"), .choices = {"heun", "midpoint"}},
    {"pece", false}};

Failure failure_of(const Given& given) {
  try {
    SamplerOptions("some", kRows, given);
  } catch (const Error& error) {
    return error.failure();
  }
  return {};
}

TEST(SamplerOptions, DefaultsAndGivenValues) {
  EXPECT_EQ(SamplerOptions("some", kRows, {}).number("eta"), 1.0);
  EXPECT_EQ(SamplerOptions("some", kRows, {{"eta", 0.25}}).number("eta"), 0.25);
  EXPECT_EQ(SamplerOptions("some", kRows, {{"eta", std::int64_t{3}}}).number("eta"), 3.0);
  EXPECT_THROW(SamplerOptions("some", kRows, {}).number("eat"), std::out_of_range);
  const SamplerOptions given("some", kRows,
                             {{"order", std::int64_t{4}}, {"solver", "midpoint"}, {"pece", true}});
  EXPECT_EQ(given.whole("order"), 4);
  EXPECT_EQ(given.text("solver"), "midpoint");
  EXPECT_TRUE(given.flag("pece"));
}

TEST(SamplerOptions, UnknownOptionIsRefusedWithTheList) {
  const Failure failure = failure_of({{"s_churn", 1.0}});
  EXPECT_EQ(failure.code, ErrorCode::kUnknownKey);
  EXPECT_EQ(failure.path, "sampler.options.s_churn");
  EXPECT_EQ(failure.hint, "Its options are eta, order, rtol, solver, pece.");
}

TEST(SamplerOptions, WrongTypesAreRefused) {
  EXPECT_EQ(failure_of({{"eta", true}}).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(failure_of({{"eta", std::string("1")}}).path, "sampler.options.eta");
  EXPECT_EQ(failure_of({{"order", 2.5}}).code, ErrorCode::kOutOfRange);
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(failure_of({{"eta", infinite}}).code, ErrorCode::kOutOfRange);
}

TEST(SamplerOptions, ValuesOutOfRangeAreRefusedWithTheRange) {
  EXPECT_EQ(failure_of({{"order", std::int64_t{5}}}).message,
            "The option 'order' is 1 to 4, not 5.");
  EXPECT_EQ(failure_of({{"order", std::int64_t{0}}}).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(failure_of({{"rtol", -0.5}}).message, "The option 'rtol' is at least 0, not -0.5.");
  EXPECT_EQ(failure_of({{"solver", "huen"}}).message,
            "The option 'solver' is 'heun' or 'midpoint', not 'huen'.");
  EXPECT_EQ(failure_of({{"solver", "huen"}}).path, "sampler.options.solver");
}

TEST(Samplers, TheListHasEveryNameOnce) {
  std::set<std::string_view> names;
  for (const SamplerRow& row : samplers())
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  EXPECT_EQ(names.size(), 44U);
}

TEST(Samplers, ASamplerIsValidatedWithoutSampling) {
  job::Sampler spec;
  spec.options = {{"s_churn", 1.0}};
  EXPECT_NO_THROW(validate_sampler(spec));
  spec.options = {{"eta", 1.0}};
  EXPECT_THROW(validate_sampler(spec), Error);
  spec.name = "lms";
  EXPECT_THROW(validate_sampler(spec), Error);
  spec.options = {{"order", std::int64_t{2}}};
  EXPECT_NO_THROW(validate_sampler(spec));
  spec.name = "eulre";
  EXPECT_THROW(validate_sampler(spec), Error);
  spec = {};
  spec.scheduler = "unknown";
  EXPECT_THROW(validate_sampler(spec), Error);
  spec.sigmas = "given";
  EXPECT_NO_THROW(validate_sampler(spec));
}

}  // namespace
}  // namespace tandem::coordinator
