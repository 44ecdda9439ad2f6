#include "opsbench/profile/inline_frames.h"

#include <elf.h>

#include <cstring>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "opsbench/profile/cpp_name.h"

namespace opsbench::profile {

absl::StatusOr<LoadSegments> LoadSegments::Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("no file ", path));
  Elf64_Ehdr header;
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_phentsize != sizeof(Elf64_Phdr)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": no ELF file of 64 bits"));
  }
  LoadSegments segments;
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!file.read(reinterpret_cast<char*>(&segment), sizeof segment)) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": cut off"));
    }
    if (segment.p_type == PT_LOAD) {
      segments.segments_.push_back(
          {segment.p_offset, segment.p_filesz, segment.p_vaddr});
    }
  }
  return segments;
}

uint64_t LoadSegments::AddressOf(uint64_t offset) const {
  for (const Segment& segment : segments_) {
    if (offset >= segment.offset && offset - segment.offset < segment.size) {
      return offset - segment.offset + segment.address;
    }
  }
  return offset;
}

void InlineFrames::AddLine(absl::string_view line) {
  uint64_t address = 0;
  // Between a name and its place a line that looks like an address is a name.
  if (name_is_next_ && absl::ConsumePrefix(&line, "0x")) {
    if (!absl::SimpleHexAtoi(line, &address)) return;
    current_ = &functions_[address];
    current_->clear();
    return;
  }
  if (current_ == nullptr) return;
  if (name_is_next_ && line != "??") current_->push_back(Demangle(line));
  name_is_next_ = !name_is_next_;
}

const std::vector<std::string>& InlineFrames::At(uint64_t address) const {
  static const auto* none = new std::vector<std::string>;
  const auto found = functions_.find(address);
  return found == functions_.end() ? *none : found->second;
}

}  // namespace opsbench::profile
