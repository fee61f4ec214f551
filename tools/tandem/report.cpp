#include "tools/tandem/report.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json/serialize.hpp>

#include "protocol/json_text.hpp"

namespace tandem::client {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  return shown(value->is_string() ? std::string(value->get_string()) : json::serialize(*value),
               400);
}

double number_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0.0;
}

std::string gib(double bytes) {
  constexpr double kTenthOfGib = 107374182.4;
  const auto tenths = std::lround(bytes / kTenthOfGib);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GiB";
}

// GiB, or MiB below one of them.
std::string amount(double bytes) {
  constexpr double kGib = 1073741824.0;
  constexpr double kTenthOfMib = 104857.6;
  if (bytes >= kGib) return gib(bytes);
  const auto tenths = std::lround(bytes / kTenthOfMib);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

void join(std::string& line, std::string_view separator, const std::string& part) {
  if (part.empty()) return;
  if (!line.empty()) line += separator;
  line += part;
}

// Calls use(object) for each object of a list.
template <class Use>
void for_each_object(const json::object& owner, std::string_view key, const Use& use) {
  const json::value* list = owner.if_contains(key);
  if (list == nullptr || !list->is_array()) return;
  for (const json::value& entry : list->get_array()) {
    if (entry.is_object()) use(entry.get_object());
  }
}

// "model.safetensors 3.9 GiB, ..." of a device's models.
std::string held_models(const json::object& device) {
  const json::value* models = device.if_contains("models");
  std::string line;
  if (models == nullptr || !models->is_object()) return line;
  for (const auto& [model, bytes] : models->get_object()) {
    if (!bytes.is_number()) continue;
    join(line, ", ", shown(std::string_view(model), 400) + " " + amount(bytes.to_number<double>()));
  }
  return line;
}

std::string device_line(const json::object& device) {
  std::string line = text_of(device, "name");
  join(line, "  ", text_of(device, "description"));
  join(line, "  ", text_of(device, "state"));
  join(line, ": ", text_of(device, "reason"));
  const double total = number_of(device, "memory_total");
  if (total > 0.0) {
    join(line, "  ", gib(number_of(device, "memory_free")) + " of " + gib(total) + " free");
  }
  const json::value* budget = device.if_contains("budget");
  if (budget != nullptr && budget->is_number()) {
    join(line, "  ", "budget " + amount(budget->to_number<double>()));
  }
  return line;
}

std::string worker_line(const json::object& worker) {
  std::string line = "  " + text_of(worker, "name");
  join(line, "  ", text_of(worker, "state"));
  join(line, ": ", text_of(worker, "reason"));
  if (number_of(worker, "pid") > 0.0) join(line, "  pid ", text_of(worker, "pid"));
  if (number_of(worker, "threads") > 0.0) join(line, "  threads ", text_of(worker, "threads"));
  join(line, "  via ", text_of(worker, "transport"));
  join(line, ", not cuda ipc: ", text_of(worker, "transport_reason"));
  return line;
}

std::string entry_name(const json::value& entry) {
  if (entry.is_string()) return shown(std::string_view(entry.get_string()));
  return entry.is_object() ? text_of(entry.get_object(), "name") : std::string();
}

std::string names_of(const json::object& object, std::string_view key) {
  std::string names;
  const json::value* list = object.if_contains(key);
  if (list == nullptr || !list->is_array()) return names;
  for (const json::value& entry : list->get_array())
    join(names, ", ", entry_name(entry));
  return names;
}

bool is_true(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::string accelerator_line(const json::object& type) {
  std::string devices;
  for_each_object(type, "devices", [&](const json::object& device) {
    std::string words = text_of(device, "name");
    join(words, " ", text_of(device, "description"));
    join(devices, ", ", words);
  });
  std::string line = "accelerator " + text_of(type, "type") + "  " + devices;
  if (is_true(type, "current_only")) line += " (the current one; no count could be had)";
  join(line, "  ", text_of(type, "reason"));
  join(line, "  ", text_of(type, "problem"));
  return line;
}

// With the reason where a worker could compute on it, or where LibTorch could not answer.
std::string missing_accelerator(const json::object& type) {
  std::string words = text_of(type, "type");
  std::string why = text_of(type, "problem");
  if (!text_of(type, "backend").empty()) join(why, "; ", text_of(type, "reason"));
  return why.empty() ? words : words + " (" + why + ")";
}

std::string plugin_line(const json::object& plugin) {
  std::string line;
  const auto add = [&](const char* title, const std::string& names) {
    if (!names.empty()) join(line, "; ", title + names);
  };
  add("hook points ", names_of(plugin, "hook_points"));
  add("unit kinds ", names_of(plugin, "unit_kinds"));
  return "plugin " + text_of(plugin, "name") + ": " + line;
}

std::string job_line(const JobStatus& job) {
  std::string line = shown(job.job) + "  " + std::string(name(job.state));
  if (job.total > 0) {
    join(line, "  ", std::to_string(job.step) + "/" + std::to_string(job.total));
  }
  if (job.failure) join(line, "  ", shown(job.failure->message, 400));
  return line;
}

}  // namespace

std::vector<std::string> job_lines(std::span<const JobStatus> jobs) {
  std::vector<std::string> lines;
  std::transform(jobs.begin(), jobs.end(), std::back_inserter(lines), job_line);
  return lines;
}

json::array jobs_json(std::span<const JobStatus> jobs) {
  json::array list;
  for (const JobStatus& job : jobs)
    list.push_back(to_json(job));
  return list;
}

std::vector<std::string> device_lines(const json::object& reply) {
  std::vector<std::string> lines;
  for_each_object(reply, "devices", [&](const json::object& device) {
    lines.push_back(device_line(device));
    if (const std::string held = held_models(device); !held.empty()) {
      lines.push_back("  holds " + held);
    }
    for_each_object(device, "workers",
                    [&](const json::object& worker) { lines.push_back(worker_line(worker)); });
  });
  return lines;
}

std::vector<std::string> accelerator_lines(const json::object& reply) {
  const json::value* accelerators = reply.if_contains("accelerators");
  if (accelerators == nullptr || !accelerators->is_object()) return {};
  const json::object& list = accelerators->get_object();
  std::vector<std::string> lines;
  std::string missing;
  for_each_object(list, "types", [&](const json::object& type) {
    if (is_true(type, "available")) {
      lines.push_back(accelerator_line(type));
    } else {
      join(missing, ", ", missing_accelerator(type));
    }
  });
  if (!missing.empty()) lines.push_back("accelerators not here: " + missing);
  const json::value* error = list.if_contains("error");
  if (error != nullptr && error->is_object()) {
    lines.push_back("accelerators unknown: " + text_of(error->get_object(), "message"));
  }
  return lines;
}

std::vector<std::string> unload_lines(const json::object& reply) {
  std::vector<std::string> lines;
  const json::value* before = reply.if_contains("before");
  const json::value* after = reply.if_contains("after");
  if (before == nullptr || after == nullptr || !before->is_object() || !after->is_object()) {
    return lines;
  }
  for (const auto& [device, bytes] : before->get_object()) {
    if (!bytes.is_number()) continue;
    lines.push_back(shown(std::string_view(device)) + "  " + amount(bytes.to_number<double>()) +
                    " before, " + amount(number_of(after->get_object(), device)) + " after");
  }
  const json::value* in_use = reply.if_contains("in_use");
  if (in_use == nullptr || !in_use->is_array()) return lines;
  for (const json::value& model : in_use->get_array())
    lines.push_back(entry_name(model) + " is in use by a running job and stays");
  return lines;
}

std::vector<std::string> catalog_lines(const json::object& reply) {
  std::vector<std::string> lines;
  for (const auto& [key, value] : reply) {
    if (!value.is_array() || value.get_array().empty() || key == "plugins") continue;
    lines.push_back(std::string(key) + ": " + names_of(reply, key));
  }
  for_each_object(reply, "plugins",
                  [&](const json::object& plugin) { lines.push_back(plugin_line(plugin)); });
  return lines;
}

}  // namespace tandem::client
