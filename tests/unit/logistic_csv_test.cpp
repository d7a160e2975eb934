#include <gmdiff/io/logistic_csv.hpp>

#include <cmath>
#include <filesystem>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <gmdiff/io/problem_file.hpp>

#include "unit/io_support.hpp"

// Logistic regressions from tables of numbers.

namespace gmdiff {
namespace {

using test::error_of;

class LogisticCsv : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text, const char* name = "data.csv") const {
    test::write_file(folder_ / name, text);
    return folder_ / name;
  }
  /// The message about a table, without the folder.
  std::string refusal(const std::string& text) const {
    const std::string error = error_of([&] { read_logistic(write(text)); });
    const std::string place = (folder_ / "").string();
    return error.starts_with(place) ? error.substr(place.size()) : error;
  }
  AnyProblem read(const std::string& problem) const {
    std::istringstream in(problem);
    return read_any_problem(in, "p.json", folder_ / "");
  }

  test::TemporaryFolder folder_;
};

TEST_F(LogisticCsv, HasOnesAndTheColumnsBeforeTheLabel) {
  const Logistic target = read_logistic(write("1, 2.5 ,1\r\n\n-3,4e1,0\n5,0,1\n"));
  EXPECT_EQ(target.data, (Points{{1.0, 1.0, 2.5}, {1.0, -3.0, 40.0}, {1.0, 5.0, 0.0}}));
  EXPECT_EQ(target.labels, (Eigen::VectorXd{{1.0, 0.0, 1.0}}));
}

TEST_F(LogisticCsv, IsStandardisedByItsOwnDeviations) {
  const auto file = write("0,0.1,2\n4,0.1,1\n2,0.1,1\n+6,0.1,+2\n");
  const double s = std::sqrt(5.0);  // of 0, 4, 2, 6
  const Logistic scaled = read_logistic(file, Standardise::scale, 10.0);
  EXPECT_EQ(scaled.data.col(1), (Eigen::VectorXd{{0.0, 4.0 / s, 2.0 / s, 6.0 / s}}));
  EXPECT_EQ(scaled.data.col(2), Eigen::VectorXd::Constant(4, 0.1));
  EXPECT_EQ(scaled.labels, (Eigen::VectorXd{{1.0, 0.0, 0.0, 1.0}}));
  EXPECT_EQ(scaled.prior_std, 10.0);
  const Logistic centred = read_logistic(file, Standardise::center_scale);
  EXPECT_EQ(centred.data.col(1), (Eigen::VectorXd{{-3.0 / s, 1.0 / s, -1.0 / s, 3.0 / s}}));
  EXPECT_EQ(centred.data.col(2), Eigen::VectorXd::Zero(4));
  EXPECT_EQ(centred.data.col(0), Eigen::VectorXd::Ones(4));
}

TEST_F(LogisticCsv, NamesThePlaceOfAnError) {
  EXPECT_EQ(refusal("1,2,0\n1,age,1\n"),
            "data.csv: line 2, column 2: expected a finite number, given \"age\"");
  EXPECT_EQ(refusal("1,2,0\n1,,1\n"), "data.csv: line 2, column 2: expected a finite number, given \"\"");
  EXPECT_EQ(refusal("1,+-2,0\n"), "data.csv: line 1, column 2: expected a finite number, given \"+-2\"");
  EXPECT_EQ(refusal("1,inf,0\n"), "data.csv: line 1, column 2: expected a finite number, given \"inf\"");
  EXPECT_EQ(refusal("1,2,0\n\n1,2\n"), "data.csv: line 3: expected 3 columns, given 2");
  EXPECT_EQ(refusal("1\n0\n"), "data.csv: line 1: expected two columns or more, the last one the label");
  EXPECT_EQ(refusal("\n \n"), "data.csv: has no numbers");
  EXPECT_EQ(refusal("5,0\n6,0\n"), "data.csv: expected labels of two values, and all are 0");
  EXPECT_EQ(refusal("5,1\n6,-1\n7,2\n"), "data.csv: line 3, column 2: expected a label -1 or 1, given 2");
  const auto of_file = [&](const char* name) { return error_of([&] { read_logistic(folder_ / name); }); };
  EXPECT_EQ(of_file("none.csv"), (folder_ / "none.csv").string() + ": no such file");
  std::filesystem::create_directory(folder_ / "folder.csv");
  EXPECT_EQ(of_file("folder.csv"), (folder_ / "folder.csv").string() + ": expected a file of numbers");
  // A file without contents takes no space on the disk.
  std::filesystem::resize_file(write("", "huge.csv"), (std::uintmax_t{1} << 30) + 1);
  EXPECT_EQ(of_file("huge.csv"),
            (folder_ / "huge.csv").string() + ": has 1073741825 bytes, more than 1073741824");
}

TEST_F(LogisticCsv, IsTheTargetOfAProblemFile) {
  write("0,2\n4,1\n2,1\n");
  const auto problem = std::get<TargetProblem>(read(
      R"({"target": {"type": "logistic", "data": "data.csv", "standardise": "center-scale", "prior_std": 3}})"));
  const auto target = std::get<Logistic>(problem.target.description());
  const Logistic expected = read_logistic(folder_ / "data.csv", Standardise::center_scale);
  EXPECT_EQ(target.data, expected.data);
  EXPECT_EQ(target.labels, expected.labels);
  EXPECT_EQ(target.prior_std, 3.0);
  const auto refused = [&](const std::string& text) { return error_of([&] { read(text); }); };
  EXPECT_EQ(refused(R"({"target": {"type": "logistic", "data": "data.csv", "label": [1]}})"),
            "p.json: target: unknown key \"label\"; did you mean \"type\"? (known: type, data, standardise, "
            "prior_std)");
  EXPECT_EQ(
      refused(R"({"target": {"type": "logistic", "data": "data.csv", "standardise": "centre"}})"),
      "p.json: target.standardise: expected \"none\" or \"scale\" or \"center-scale\", given \"centre\"");
  EXPECT_EQ(refused(R"({"target": {"type": "logistic", "data": "data.csv", "prior_std": 0}})"),
            "p.json: target: logistic: prior_std must be positive, got 0");
  write("1,x\n");
  EXPECT_EQ(refused(R"({"target": {"type": "logistic", "data": "data.csv"}})"),
            "p.json: target.data: " + (folder_ / "data.csv").string() +
                ": line 1, column 2: expected a finite number, given \"x\"");
}

}  // namespace
}  // namespace gmdiff
