#include "study/known_records.hpp"

#include <utility>

namespace gmdiff::study {

KnownRecords::KnownRecords(const std::filesystem::path& file) {
  if (file.empty()) return;
  file_.emplace(file);
  for (const ComparisonRecord& record : file_->records()) by_key_.emplace(key_of(record), record);
}

bool KnownRecords::fill(ComparisonRecord& record) const {
  const auto found = by_key_.find(key_of(record));
  if (found == by_key_.end()) return false;
  ComparisonRecord known = found->second;
  known.problem = std::move(record.problem);
  known.sampler = std::move(record.sampler);
  record = std::move(known);
  return true;
}

void KnownRecords::append(const ComparisonRecord& record) const {
  if (file_) file_->append(record);
}

}  // namespace gmdiff::study
