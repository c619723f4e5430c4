#pragma once

#include <optional>
#include <string_view>

#include "base/ints.h"

namespace tandem::devices {

// A key's place on a PC keyboard: its scan code of set 1, plus 0x80 where it is prefixed with E0.
// Names are QEMU's (`sendkey`, input events).
//      name              text             code
#define TANDEM_KEYS(KEY)                    \
  KEY(kEsc, "esc", 0x01)                    \
  KEY(k1, "1", 0x02)                        \
  KEY(k2, "2", 0x03)                        \
  KEY(k3, "3", 0x04)                        \
  KEY(k4, "4", 0x05)                        \
  KEY(k5, "5", 0x06)                        \
  KEY(k6, "6", 0x07)                        \
  KEY(k7, "7", 0x08)                        \
  KEY(k8, "8", 0x09)                        \
  KEY(k9, "9", 0x0a)                        \
  KEY(k0, "0", 0x0b)                        \
  KEY(kMinus, "minus", 0x0c)                \
  KEY(kEqual, "equal", 0x0d)                \
  KEY(kBackspace, "backspace", 0x0e)        \
  KEY(kTab, "tab", 0x0f)                    \
  KEY(kQ, "q", 0x10)                        \
  KEY(kW, "w", 0x11)                        \
  KEY(kE, "e", 0x12)                        \
  KEY(kR, "r", 0x13)                        \
  KEY(kT, "t", 0x14)                        \
  KEY(kY, "y", 0x15)                        \
  KEY(kU, "u", 0x16)                        \
  KEY(kI, "i", 0x17)                        \
  KEY(kO, "o", 0x18)                        \
  KEY(kP, "p", 0x19)                        \
  KEY(kBracketLeft, "bracket_left", 0x1a)   \
  KEY(kBracketRight, "bracket_right", 0x1b) \
  KEY(kRet, "ret", 0x1c)                    \
  KEY(kCtrl, "ctrl", 0x1d)                  \
  KEY(kA, "a", 0x1e)                        \
  KEY(kS, "s", 0x1f)                        \
  KEY(kD, "d", 0x20)                        \
  KEY(kF, "f", 0x21)                        \
  KEY(kG, "g", 0x22)                        \
  KEY(kH, "h", 0x23)                        \
  KEY(kJ, "j", 0x24)                        \
  KEY(kK, "k", 0x25)                        \
  KEY(kL, "l", 0x26)                        \
  KEY(kSemicolon, "semicolon", 0x27)        \
  KEY(kApostrophe, "apostrophe", 0x28)      \
  KEY(kGraveAccent, "grave_accent", 0x29)   \
  KEY(kShift, "shift", 0x2a)                \
  KEY(kBackslash, "backslash", 0x2b)        \
  KEY(kZ, "z", 0x2c)                        \
  KEY(kX, "x", 0x2d)                        \
  KEY(kC, "c", 0x2e)                        \
  KEY(kV, "v", 0x2f)                        \
  KEY(kB, "b", 0x30)                        \
  KEY(kN, "n", 0x31)                        \
  KEY(kM, "m", 0x32)                        \
  KEY(kComma, "comma", 0x33)                \
  KEY(kDot, "dot", 0x34)                    \
  KEY(kSlash, "slash", 0x35)                \
  KEY(kShiftRight, "shift_r", 0x36)         \
  KEY(kKpMultiply, "kp_multiply", 0x37)     \
  KEY(kAlt, "alt", 0x38)                    \
  KEY(kSpc, "spc", 0x39)                    \
  KEY(kCapsLock, "caps_lock", 0x3a)         \
  KEY(kF1, "f1", 0x3b)                      \
  KEY(kF2, "f2", 0x3c)                      \
  KEY(kF3, "f3", 0x3d)                      \
  KEY(kF4, "f4", 0x3e)                      \
  KEY(kF5, "f5", 0x3f)                      \
  KEY(kF6, "f6", 0x40)                      \
  KEY(kF7, "f7", 0x41)                      \
  KEY(kF8, "f8", 0x42)                      \
  KEY(kF9, "f9", 0x43)                      \
  KEY(kF10, "f10", 0x44)                    \
  KEY(kNumLock, "num_lock", 0x45)           \
  KEY(kScrollLock, "scroll_lock", 0x46)     \
  KEY(kKp7, "kp_7", 0x47)                   \
  KEY(kKp8, "kp_8", 0x48)                   \
  KEY(kKp9, "kp_9", 0x49)                   \
  KEY(kKpSubtract, "kp_subtract", 0x4a)     \
  KEY(kKp4, "kp_4", 0x4b)                   \
  KEY(kKp5, "kp_5", 0x4c)                   \
  KEY(kKp6, "kp_6", 0x4d)                   \
  KEY(kKpAdd, "kp_add", 0x4e)               \
  KEY(kKp1, "kp_1", 0x4f)                   \
  KEY(kKp2, "kp_2", 0x50)                   \
  KEY(kKp3, "kp_3", 0x51)                   \
  KEY(kKp0, "kp_0", 0x52)                   \
  KEY(kKpDecimal, "kp_decimal", 0x53)       \
  KEY(kSysrq, "sysrq", 0x54)                \
  KEY(kLess, "less", 0x56)                  \
  KEY(kF11, "f11", 0x57)                    \
  KEY(kF12, "f12", 0x58)                    \
  KEY(kKpEnter, "kp_enter", 0x9c)           \
  KEY(kCtrlRight, "ctrl_r", 0x9d)           \
  KEY(kKpDivide, "kp_divide", 0xb5)         \
  KEY(kPrint, "print", 0xb7)                \
  KEY(kAltRight, "alt_r", 0xb8)             \
  KEY(kPause, "pause", 0xc6)                \
  KEY(kHome, "home", 0xc7)                  \
  KEY(kUp, "up", 0xc8)                      \
  KEY(kPgUp, "pgup", 0xc9)                  \
  KEY(kLeft, "left", 0xcb)                  \
  KEY(kRight, "right", 0xcd)                \
  KEY(kEnd, "end", 0xcf)                    \
  KEY(kDown, "down", 0xd0)                  \
  KEY(kPgDn, "pgdn", 0xd1)                  \
  KEY(kInsert, "insert", 0xd2)              \
  KEY(kDelete, "delete", 0xd3)              \
  KEY(kMetaLeft, "meta_l", 0xdb)            \
  KEY(kMetaRight, "meta_r", 0xdc)           \
  KEY(kMenu, "menu", 0xdd)                  \
  KEY(kPower, "power", 0xde)

enum class KeyCode : u8 {
#define KEY(name, text, code) name = code,
  TANDEM_KEYS(KEY)
#undef KEY
};

// Nothing for an unknown name.
std::optional<KeyCode> KeyCodeByName(std::string_view name);

}  // namespace tandem::devices
