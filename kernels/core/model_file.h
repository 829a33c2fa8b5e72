// Model files (FORMAT.md section 8): a program, its parameters, and the tables of the entropy coder.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "bytes.h"
#include "json.h"
#include "program.h"
#include "rans.h"
#include "result_memory.h"
#include "sha256.h"
#include "trellis.h"

namespace hpcm {

class ModelFile;

// The model with this identity, or nothing. For models that name another one and hold only what differs.
using FindModel = std::function<std::shared_ptr<const ModelFile>(const Digest&)>;

class ModelFile {
public:
    // Reads what decoding needs, which is all but the parameters of encoders' entries alone, and keeps no part of `file`. Throws Error: model_file, or missing_model for a base that is not found.
    static std::shared_ptr<const ModelFile> read(Bytes file, const FindModel& find_base = {});

    const std::string& name() const { return name_; }
    const Digest& identity() const { return identity_; }
    const Json& program() const { return program_; }
    Parameter parameter(const std::string& name) const;  // without data where there is none
    const TableSet& tables() const { return *tables_; }
    const Trellis* trellis() const { return trellis_ ? &*trellis_ : nullptr; }
    const std::vector<float>& y_thresholds() const { return y_thresholds_; }
    const std::vector<float>& z_thresholds() const { return z_thresholds_; }
    size_t bytes() const { return floats_ * sizeof(float); }  // of its own parameters

private:
    ModelFile() = default;
    friend class ModelReader;

    std::string name_;
    Json program_;
    Digest identity_{};
    std::shared_ptr<const ModelFile> base_;
    HeldMemory memory_;
    size_t floats_ = 0;
    std::vector<float> levels_, y_thresholds_, z_thresholds_;
    std::unordered_map<std::string, Parameter> parameters_;
    std::optional<TableSet> tables_;
    std::optional<Trellis> trellis_;
};

}  // namespace hpcm
