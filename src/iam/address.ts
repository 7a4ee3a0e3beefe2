/** An IP address or a range of them: the first `bits` bits of `value`, in a family of 32 or 128 bits. */
export interface AddressRange {
  readonly size: 32 | 128;
  readonly value: bigint;
  readonly bits: number;
}

/** Reads `203.0.113.0/24`, `2001:db8::/32` or a single address (RFC 4632, RFC 4291); undefined where it is neither. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  if (rest.length > 0) return undefined;
  const size = address.includes(':') ? 128 : 32;
  const value = size === 128 ? parseV6(address) : parseV4(address);
  if (value === undefined) return undefined;
  if (prefix === undefined) return { size, value, bits: size };
  if (!/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > size) return undefined;
  return { size, value, bits: Number(prefix) };
}

/** Whether `address` (a single one) lies in `range`. An address of the other family does not. */
export function isInRange(address: AddressRange, range: AddressRange): boolean {
  if (address.size !== range.size || address.bits < range.bits) return false;
  const shift = BigInt(range.size - range.bits);
  return address.value >> shift === range.value >> shift;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255))
    return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groupsOf = (half: string): readonly string[] => (half === '' ? [] : half.split(':'));
  const [before = [], after] = halves.map(groupsOf);
  const given = before.length + (after?.length ?? 0);
  if (after === undefined ? given !== 8 : given > 7) return undefined;
  const groups = [...before, ...Array.from({ length: 8 - given }, () => '0'), ...(after ?? [])];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}
