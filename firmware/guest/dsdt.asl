// The board's differentiated description: i440FX root bridge, PIIX3 with its ISA devices.
DefinitionBlock ("dsdt.aml", "DSDT", 2, "TANDEM", "TANDEMPC", 1)
{
    External (\COMS, IntObj)
    External (\LPTS, IntObj)
    External (\HPTS, IntObj)

    Name (\_S3, Package (4) { 1, 1, 0, 0 })
    Name (\_S5, Package (4) { 0, 0, 0, 0 })
    Name (\PICM, 0)
    Method (\_PIC, 1) { \PICM = Arg0 }

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0, 0xff, 0, 0x100)
                IO (Decode16, 0xcf8, 0xcf8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0, 0xcf7, 0, 0xcf8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0xd00, 0xffff, 0, 0xf300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable,
                    ReadWrite, 0, 0xa0000, 0xbffff, 0, 0x20000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0xc0000000, 0xfebfffff, 0, 0x3ec00000)
            })

            // _PRT is in the board's SSDT.
            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 4)
                Field (PIRQ, ByteAcc, NoLock, Preserve)
                {
                    PRQA, 8,
                    PRQB, 8,
                    PRQC, 8,
                    PRQD, 8
                }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x70, 0x70, 1, 8)
                        IRQNoFlags () { 8 }
                    })
                }
                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_STA, 0xf)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x60, 0x60, 1, 1)
                        IO (Decode16, 0x64, 0x64, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                }
                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_STA, 0xf)
                    Name (_CRS, ResourceTemplate () { IRQNoFlags () { 12 } })
                }
                Device (LPT)
                {
                    Name (_HID, EisaId ("PNP0400"))
                    Method (_STA, 0) { If (\LPTS) { Return (0xf) } Return (0) }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x378, 0x378, 8, 8)
                        IRQNoFlags () { 7 }
                    })
                }
                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Method (_STA, 0) { If (\COMS & 1) { Return (0xf) } Return (0) }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x3f8, 0x3f8, 0, 8)
                        IRQNoFlags () { 4 }
                    })
                }
                Device (COM2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 2)
                    Method (_STA, 0) { If (\COMS & 2) { Return (0xf) } Return (0) }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x2f8, 0x2f8, 0, 8)
                        IRQNoFlags () { 3 }
                    })
                }
                Device (COM3)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 3)
                    Method (_STA, 0) { If (\COMS & 4) { Return (0xf) } Return (0) }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x3e8, 0x3e8, 0, 8)
                        IRQNoFlags () { 4 }
                    })
                }
                Device (COM4)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 4)
                    Method (_STA, 0) { If (\COMS & 8) { Return (0xf) } Return (0) }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x2e8, 0x2e8, 0, 8)
                        IRQNoFlags () { 3 }
                    })
                }
            }
        }

        // Interrupts that a PIRQ can be routed to; 0x80 in the register: not routed.
        Name (PRSP, ResourceTemplate ()
        {
            Interrupt (, Level, ActiveHigh, Shared) { 5, 10, 11 }
        })
        Name (BUFF, ResourceTemplate ()
        {
            Interrupt (, Level, ActiveHigh, Shared) { 0 }
        })
        Method (CRSP, 1, Serialized)
        {
            CreateDWordField (BUFF, 5, NUMB)
            If (Arg0 < 0x80) { NUMB = Arg0 }
            Return (BUFF)
        }
        Method (STAP, 1) { If (Arg0 & 0x80) { Return (9) } Return (0xb) }

        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0)
            Method (_STA, 0) { Return (STAP (^^PCI0.ISA.PRQA)) }
            Method (_PRS, 0) { Return (PRSP) }
            Method (_CRS, 0) { Return (CRSP (^^PCI0.ISA.PRQA)) }
            Method (_DIS, 0) { ^^PCI0.ISA.PRQA |= 0x80 }
            Method (_SRS, 1) { CreateDWordField (Arg0, 5, IRQ) ^^PCI0.ISA.PRQA = IRQ }
        }
        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Method (_STA, 0) { Return (STAP (^^PCI0.ISA.PRQB)) }
            Method (_PRS, 0) { Return (PRSP) }
            Method (_CRS, 0) { Return (CRSP (^^PCI0.ISA.PRQB)) }
            Method (_DIS, 0) { ^^PCI0.ISA.PRQB |= 0x80 }
            Method (_SRS, 1) { CreateDWordField (Arg0, 5, IRQ) ^^PCI0.ISA.PRQB = IRQ }
        }
        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Method (_STA, 0) { Return (STAP (^^PCI0.ISA.PRQC)) }
            Method (_PRS, 0) { Return (PRSP) }
            Method (_CRS, 0) { Return (CRSP (^^PCI0.ISA.PRQC)) }
            Method (_DIS, 0) { ^^PCI0.ISA.PRQC |= 0x80 }
            Method (_SRS, 1) { CreateDWordField (Arg0, 5, IRQ) ^^PCI0.ISA.PRQC = IRQ }
        }
        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Method (_STA, 0) { Return (STAP (^^PCI0.ISA.PRQD)) }
            Method (_PRS, 0) { Return (PRSP) }
            Method (_CRS, 0) { Return (CRSP (^^PCI0.ISA.PRQD)) }
            Method (_DIS, 0) { ^^PCI0.ISA.PRQD |= 0x80 }
            Method (_SRS, 1) { CreateDWordField (Arg0, 5, IRQ) ^^PCI0.ISA.PRQD = IRQ }
        }
        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Name (_STA, 0xb)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (, Level, ActiveHigh, Shared) { 9 }
            })
            Method (_CRS, 0) { Return (_PRS) }
            Method (_DIS, 0) {}
            Method (_SRS, 1) {}
        }

        Device (HPET)
        {
            Name (_HID, EisaId ("PNP0103"))
            Name (_UID, 0)
            Method (_STA, 0) { If (\HPTS) { Return (0xf) } Return (0) }
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadOnly, 0xfed00000, 0x400)
            })
        }

        // fw_cfg and the power management ports are no PCI resources.
        Device (FWCF)
        {
            Name (_HID, "QEMU0002")
            Name (_STA, 0xb)
            Name (_CRS, ResourceTemplate () { IO (Decode16, 0x510, 0x510, 1, 12) })
        }
        Device (PMIO)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x600, 0x600, 0, 0x40)
                IO (Decode16, 0xafe0, 0xafe0, 0, 4)
            })
        }
    }
}
