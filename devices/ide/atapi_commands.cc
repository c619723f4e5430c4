#include <algorithm>

#include "base/bits.h"
#include "base/log.h"
#include "devices/ide/atapi_cdrom.h"

// The packets themselves (MMC-4, section 6; SPC-3). Numbers in them are big-endian.
namespace tandem::devices {
namespace {

using Bytes = std::vector<std::byte>;

Bytes Of(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (const unsigned value : values) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

void Append16(Bytes& bytes, u32 value) {
  bytes.push_back(static_cast<std::byte>(value >> 8));
  bytes.push_back(static_cast<std::byte>(value));
}

void Append32(Bytes& bytes, u32 value) {
  Append16(bytes, value >> 16);
  Append16(bytes, value);
}

void AppendText(Bytes& bytes, std::string_view text, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    bytes.push_back(static_cast<std::byte>(i < text.size() ? text[i] : ' '));
  }
}

// Stores the number of bytes that follow the field.
void Set16(Bytes& bytes, size_t at, size_t value) {
  bytes[at] = static_cast<std::byte>(value >> 8);
  bytes[at + 1] = static_cast<std::byte>(value);
}

// A block as it is addressed on a disc: minute, second, frame; 150 frames lie before block 0.
u32 ToMsf(u32 block) {
  const u32 frames = block + 150;
  return (frames / 75 / 60) << 16 | (frames / 75 % 60) << 8 | frames % 75;
}

constexpr u8 kNotReady = 2;
constexpr u8 kIllegalRequest = 5;
constexpr u8 kNoMedium = 0x3a;
constexpr u8 kInvalidOperation = 0x20;
constexpr u8 kInvalidField = 0x24;
constexpr u32 kLeadOut = 0xaa;
constexpr unsigned kProfileCdRom = 0x08;

}  // namespace

u16 AtapiCdrom::Packet16(size_t at) const {
  return static_cast<u16>(packet_[at] << 8 | packet_[at + 1]);
}

u32 AtapiCdrom::Packet32(size_t at) const { return u32{Packet16(at)} << 16 | Packet16(at + 2); }

void AtapiCdrom::RequestSense() {
  Bytes reply = Of({0x70, 0, sense_.key, 0, 0, 0, 0, 10, 0, 0, 0, 0, sense_.code, 0, 0, 0, 0, 0});
  Reply(reply, packet_[4]);
}

void AtapiCdrom::Inquiry() {
  Bytes reply = Of({5, 0x80, 0, 0x21, 31, 0, 0, 0});
  AppendText(reply, "TANDEM", 8);
  AppendText(reply, "DVD-ROM", 16);
  AppendText(reply, "1.0", 4);
  Reply(reply, packet_[4]);
}

// Pages 0x01 (error recovery) and 0x2a (capabilities).
void AtapiCdrom::ModeSense() {
  const u8 page = packet_[2] & 0x3f;
  Bytes reply = Of({0, 0, has_disc_ ? 0x01u : 0x70u, 0, 0, 0, 0, 0});
  if (page == 0x01) {
    const Bytes body = Of({0x01, 6, 0, 5, 0, 0, 0, 0});
    reply.insert(reply.end(), body.begin(), body.end());
  } else if (page == 0x2a) {
    const Bytes body = Of({0x2a, 0x12, 0x3b, 0, 0x70, 0x60, 0x29, 0, 0x02, 0xc2,
                           0,    2,    0x02, 0, 0x02, 0xc2, 0,    0, 0,    0});
    reply.insert(reply.end(), body.begin(), body.end());
  } else {
    return FailPacket({kIllegalRequest, kInvalidField});
  }
  Set16(reply, 0, reply.size() - 2);
  Reply(reply, Packet16(7));
}

void AtapiCdrom::ReadCapacity() {
  Bytes reply;
  Append32(reply, static_cast<u32>(Blocks() - 1));
  Append32(reply, kBlockSize);
  Reply(reply, reply.size());
}

// One data track. Format 0: tracks; 1: sessions; 2: the raw table of the lead-in.
void AtapiCdrom::ReadToc() {
  const bool msf = (packet_[1] & 2) != 0;
  const u32 end = static_cast<u32>(Blocks());
  const auto address = [&](u32 block) { return msf ? ToMsf(block) : block; };
  unsigned format = packet_[2] & 0xf;
  format = format == 0 ? packet_[9] >> 6 : format;
  Bytes reply = Of({0, 0, 1, 1});
  if (format == 0) {
    const u8 first = packet_[6];
    if (first > 1 && first != kLeadOut) {
      return FailPacket({kIllegalRequest, kInvalidField});
    }
    if (first <= 1) {
      Append32(reply, 0x00140100);
      Append32(reply, address(0));
    }
    Append32(reply, 0x00160000 | kLeadOut << 8);
    Append32(reply, address(end));
  } else if (format == 1) {
    Append32(reply, 0x00140100);
    Append32(reply, address(0));
  } else if (format == 2) {
    // Session, control, track, point, four bytes of zero, then minute, second and frame.
    const auto entry = [&](u32 point, u32 msf_value) {
      Append32(reply, 0x01140000 | point);
      Append32(reply, 0);
      reply.push_back(static_cast<std::byte>(msf_value >> 16));
      Append16(reply, msf_value);
    };
    entry(0xa0, 0x010000);
    entry(0xa1, 0x010000);
    entry(0xa2, ToMsf(end));
    entry(0x01, ToMsf(0));
  } else {
    return FailPacket({kIllegalRequest, kInvalidField});
  }
  Set16(reply, 0, reply.size() - 2);
  Reply(reply, Packet16(7));
}

void AtapiCdrom::ReadDiscInformation() {
  if ((packet_[1] & 7) != 0) {
    return FailPacket({kIllegalRequest, kInvalidField});
  }
  Bytes reply = Of({0, 0, 0x0e, 1, 1, 1, 1, 0x20});  // finalised, complete; unrestricted use
  reply.resize(34);
  Set16(reply, 0, 32);
  Reply(reply, Packet16(7));
}

// The profile list and the core, removable-medium and CD-read features.
void AtapiCdrom::GetConfiguration() {
  Bytes reply = Of({0, 0, 0, 0, 0, 0, 0, has_disc_ ? kProfileCdRom : 0});
  const Bytes features = Of({0,
                             0,
                             0x03,
                             4,
                             0,
                             kProfileCdRom,
                             has_disc_ ? 1u : 0u,
                             0,
                             0,
                             1,
                             0x0b,
                             8,
                             0,
                             0,
                             0,
                             2,
                             1,
                             0,
                             0,
                             0,
                             0,
                             3,
                             0x07,
                             4,
                             0x29,
                             0,
                             0,
                             0,
                             0,
                             0x1e,
                             0x09,
                             4,
                             0,
                             0,
                             0,
                             0});
  reply.insert(reply.end(), features.begin(), features.end());
  Set16(reply, 2, reply.size() - 4);
  Reply(reply, Packet16(7));
}

// Only polled, only the media class.
void AtapiCdrom::GetEventStatus() {
  constexpr unsigned kMediaClass = 4;
  if ((packet_[1] & 1) == 0) {
    return FailPacket({kIllegalRequest, kInvalidField});
  }
  const bool wants_media = Bit(packet_[4], kMediaClass);
  Bytes reply = wants_media
                    ? Of({0, 4, kMediaClass, 1u << kMediaClass, 0, has_disc_ ? 2u : 0u, 0, 0})
                    : Of({0, 2, 0x80, 1u << kMediaClass});
  Reply(reply, Packet16(7));
}

void AtapiCdrom::MechanismStatus() { Reply(Of({0, 0, 0, 0, 0, 1, 0, 0}), Packet16(8)); }

bool AtapiCdrom::ExecuteMediumPacket(u8 operation) {
  switch (operation) {
    case 0x00:
      EndPacket();
      return true;
    case 0x25:
      ReadCapacity();
      return true;
    case 0x28:
      ReadBlocks(Packet32(2), Packet16(7));
      return true;
    case 0xa8:
      ReadBlocks(Packet32(2), Packet32(6));
      return true;
    case 0x2b:  // SEEK
      EndPacket();
      return true;
    case 0x43:
      ReadToc();
      return true;
    case 0x51:
      ReadDiscInformation();
      return true;
    default:
      return false;
  }
}

bool AtapiCdrom::ExecuteDrivePacket(u8 operation) {
  switch (operation) {
    case 0x03:
      RequestSense();
      return true;
    case 0x12:
      Inquiry();
      return true;
    case 0x1b:  // START STOP UNIT: the tray stays closed
    case 0x1e:  // PREVENT ALLOW MEDIUM REMOVAL
    case 0xbb:  // SET CD SPEED
      EndPacket();
      return true;
    case 0x46:
      GetConfiguration();
      return true;
    case 0x4a:
      GetEventStatus();
      return true;
    case 0x5a:
      ModeSense();
      return true;
    case 0xbd:
      MechanismStatus();
      return true;
    default:
      return false;
  }
}

void AtapiCdrom::ExecutePacket() {
  const u8 operation = packet_[0];
  if (ExecuteDrivePacket(operation)) {
    return;
  }
  constexpr u8 kNeedMedium[] = {0x00, 0x25, 0x28, 0xa8, 0x2b, 0x43, 0x51};
  const bool needs_medium =
      std::find(std::begin(kNeedMedium), std::end(kNeedMedium), operation) != std::end(kNeedMedium);
  if (needs_medium && !has_disc_) {
    return FailPacket({kNotReady, kNoMedium});
  }
  if (!ExecuteMediumPacket(operation)) {
    Log(LogItem::kUnimp, "ide: packet {:#04x} is refused", operation);
    FailPacket({kIllegalRequest, kInvalidOperation});
  }
}

}  // namespace tandem::devices
