// Damaged golden jobs: always a job or an Error that names the damaged key, never anything else.
#include <algorithm>
#include <random>
#include <vector>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "protocol/job/job_json.hpp"
#include "protocol/json_text.hpp"
#include "tests/protocol/expect_error.hpp"
#include "tests/protocol/golden_jobs.hpp"

namespace tandem::job {
namespace {

namespace json = boost::json;

// A member of some object in a job, its path, and whether the format fixes the object's keys.
struct Place {
  json::object* object;
  std::string key;
  std::string path;
  bool is_fixed;
};

void collect(json::value& value, const std::string& path, std::vector<Place>& places) {
  if (json::array* list = value.if_array()) {
    for (std::size_t i = 0; i < list->size(); ++i)
      collect((*list)[i], key_path(path, i), places);
  } else if (json::object* object = value.if_object()) {
    const bool is_fixed = path != "hooks" && path != "sampler.options" &&
                          path != "model.embeddings" && path != "workers.relative_speed";
    for (auto& member : *object) {
      const std::string key(member.key());
      places.push_back({object, key, key_path(path, key), is_fixed});
      collect(member.value(), key_path(path, key), places);
    }
  }
}

// Every fifth golden job, or a job of our own where there are none.
std::vector<std::string> samples() {
  std::vector<std::string> texts = {
      R"({"version": 1, "model": {"file": "a"}, "positive": [{"text": "a", "strength": 0.5}],
          "latent": {"width": 64, "height": 64}, "sampler": {"steps": 2}, "output": {"latent": true}})"};
  std::size_t index = 0;
  for (const auto& [name, text] : test::golden_jobs()) {
    if (index++ % 5 == 0) texts.push_back(text);
  }
  return texts;
}

TEST(JobMutation, ARenamedKeyIsNamedInTheError) {
  for (const std::string& text : samples()) {
    json::value original = parse_json(text);
    std::vector<Place> places;
    collect(original, {}, places);
    for (std::size_t i = 0; i < places.size(); ++i) {
      json::value job = original;
      std::vector<Place> copies;
      collect(job, {}, copies);
      const Place& place = copies[i];
      if (!place.is_fixed) continue;
      const boost::json::value value = place.object->at(place.key);  // inserting may move it
      (*place.object)[place.key + "_x"] = value;
      place.object->erase(place.key);
      const Failure failure = test::failure_of([&] { parse_job(job.as_object()); });
      const std::string parent = place.path.substr(0, place.path.size() - place.key.size());
      // The renamed key is unknown, or it was needed under its own name, or the object that lost it
      // is no longer a cond or a latent, or what it held is missed where it is referred to.
      const bool is_named = failure.path == place.path + "_x" || failure.path == place.path ||
                            failure.path + "." == parent || failure.path == parent ||
                            failure.path.ends_with(".hooks") || place.key == "type" ||
                            place.key == "tensor" || place.key == "tokens";
      EXPECT_TRUE(is_named) << place.path << " -> " << failure.path << ": " << failure.message;
    }
  }
}

TEST(JobMutation, AValueOfAnotherTypeIsNamedInTheErrorOrRead) {
  const std::vector<json::value> values = {
      nullptr, true, -1, 1.5, "x", json::array{1}, json::object{}, 18446744073709551615U};
  for (const std::string& text : samples()) {
    json::value original = parse_json(text);
    std::vector<Place> places;
    collect(original, {}, places);
    for (std::size_t i = 0; i < places.size(); ++i) {
      for (const json::value& value : values) {
        json::value job = original;
        std::vector<Place> copies;
        collect(job, {}, copies);
        (*copies[i].object)[copies[i].key] = value;
        try {
          const Job parsed = parse_job(job.as_object());
          EXPECT_EQ(parse_job(to_json(parsed)), parsed) << copies[i].path;
        } catch (const Error& error) {
          const std::string& path = error.failure().path;
          // A lost hook group is missed by the conds that name it.
          const bool is_named = path.starts_with(copies[i].path) || path.ends_with(".hooks");
          EXPECT_TRUE(is_named) << copies[i].path << " -> " << error.what();
        }
      }
    }
  }
}

TEST(JobMutation, ATruncatedTextIsAnError) {
  for (const std::string& sample : samples()) {
    const std::string text = sample.substr(0, sample.find_last_of('}') + 1);
    for (std::size_t length = 0; length < text.size(); length += 7) {
      EXPECT_THROW(parse_job(std::string_view(text).substr(0, length)), Error);
    }
  }
}

TEST(JobMutation, DamagedBytesAreAJobOrAnError) {
  std::mt19937 random(20260);
  int jobs = 0;
  for (const std::string& sample : samples()) {
    for (int round = 0; round < 100; ++round) {
      std::string text = sample;
      for (int i = 0; i < 3; ++i)
        text[random() % text.size()] = static_cast<char>(random() % 256);
      try {
        const Job job = parse_job(std::string_view(text));
        EXPECT_EQ(parse_job(to_json(job)), job);
        ++jobs;
      } catch (const Error& error) {
        EXPECT_FALSE(std::string(error.what()).empty());
      }
    }
  }
  EXPECT_GT(jobs, 0);  // damage within a string or a number often leaves a job
}

}  // namespace
}  // namespace tandem::job
