import ipaddr from 'ipaddr.js';

/**
 * What counts as one client without a login: an IPv4 address, or the /64 of an IPv6 one, since a host commands all of it. An IPv4
 * address in IPv6 clothes (`::ffff:192.0.2.1`) is that IPv4 address.
 */
export function clientNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${(parsed as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
