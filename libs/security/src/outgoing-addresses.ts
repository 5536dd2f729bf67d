import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Public by its form, but the cloud's own: Azure's WireServer and DNS, which answer from inside every virtual machine. */
const CLOUD = ipaddr.parseCIDR('168.63.129.16/32');
/** The only part of IPv6 that is given out for the public Internet (RFC 4291, section 2.4; IANA). */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');
/** IPv4 addresses as seen through a network's translator (RFC 6052, section 2.1): as public as what they stand for. */
const TRANSLATED = ipaddr.parseCIDR('64:ff9b::/96');

/** Names that mean this machine or its neighbours, whatever a resolver makes of them (RFC 6761, RFC 6762, RFC 8375, and ICANN's `internal`). */
const PRIVATE_NAMES = /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|lan|home\.arpa)$/;

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** An address without what it may be dressed in: `::ffff:10.0.0.1`, `::10.0.0.1` and `64:ff9b::10.0.0.1` are 10.0.0.1. */
function bare(address: string): Address | null {
  if (!ipaddr.isValid(address)) return null;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv6' && parsed.match(TRANSLATED)) return ipaddr.fromByteArray(parsed.toByteArray().slice(12));
  return parsed;
}

/** Whether an address belongs to the public Internet. Whatever is special about it (IANA's registries) says no, and so does what is no address. */
export function isPublicAddress(address: string): boolean {
  const parsed = bare(address);
  if (parsed === null || parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' ? !parsed.match(CLOUD) : parsed.match(GLOBAL_UNICAST);
}

/** Whether a name can only be one of our own network's: it has a private ending, or no dot at all. */
export function isPrivateName(name: string): boolean {
  return PRIVATE_NAMES.test(name) || !name.includes('.');
}

/** A host as `URL` gives it, in the one form that is compared: no brackets, no trailing dot. */
export function plainHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.+$/, '');
}

/** What an operator has allowed beyond the public Internet: names, addresses and ranges. */
export class AllowedHosts {
  private readonly names = new Set<string>();
  private readonly ranges: [Address, number][] = [];

  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const [address = ''] = entry.split('/');
      if (isIP(address) === 0) this.names.add(plainHost(entry));
      else this.ranges.push(ipaddr.parseCIDR(entry.includes('/') ? entry : `${entry}/${isIP(address) === 4 ? 32 : 128}`));
    }
  }

  hasName(name: string): boolean {
    return this.names.has(name);
  }

  hasAddress(address: string): boolean {
    const parsed = bare(address);
    return parsed !== null && this.ranges.some(([range, bits]) => range.kind() === parsed.kind() && parsed.match(range, bits));
  }
}
