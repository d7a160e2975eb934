#include <gmdiff/device/device.hpp>

#include <memory>

#include "cli/output.hpp"
#include "cli/verb.hpp"

namespace gmdiff::cli {
namespace {

std::string devices_json(const std::vector<DeviceInfo>& list) {
  Json json;
  json["devices"] = Json::array();
  for (const DeviceInfo& info : list) {
    json["devices"].push_back(Json{{"name", info.name},
                                   {"description", info.description},
                                   {"available", info.available},
                                   {"reason", info.reason}});
  }
  json["best"] = Device::best().name();
  return json_text(json);
}

std::string devices_text(const std::vector<DeviceInfo>& list) {
  Table table({"device", "available", "what"});
  for (const DeviceInfo& info : list) {
    table.add({info.name, info.available ? "yes" : "no",
               info.available ? info.description : info.description + ": " + info.reason});
  }
  return table.text() + "\nbest is " + Device::best().name() + "\n";
}

}  // namespace

Verb add_devices(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("devices", "devices that this build can use on this machine");
  auto flags = std::make_shared<CommonFlags>();
  add_common_flags(*verb, *flags);
  set_examples(*verb, "  gmdiff devices\n");
  return {verb, [flags] { print(flags->json ? devices_json(devices()) : devices_text(devices())); }};
}

}  // namespace gmdiff::cli
