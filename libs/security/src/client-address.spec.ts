import { describe, expect, it } from '@jest/globals';
import { clientNetwork } from './client-address.js';

describe('a client without a login', () => {
  it('is one IPv4 address', () => {
    expect(clientNetwork('192.0.2.1')).toBe('192.0.2.1');
    expect(clientNetwork('192.0.2.2')).not.toBe(clientNetwork('192.0.2.1'));
  });

  it.each(['::ffff:192.0.2.1', '::FFFF:192.0.2.1', '::ffff:c000:201', '0:0:0:0:0:ffff:c000:0201'])(
    'is the IPv4 address inside %s',
    (address) => {
      expect(clientNetwork(address)).toBe('192.0.2.1');
    },
  );

  it('CVE-2026-45364: is the /64 of an IPv6 address, however it is written', () => {
    const network = clientNetwork('2001:db8:1:2:3:4:5:6');
    for (const other of ['2001:db8:1:2::1', '2001:0DB8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2:0:0:0:0'])
      expect(clientNetwork(other)).toBe(network);
    for (const other of ['2001:db8:1:3::1', '2001:db8:1:12::1', '2001:db8::1']) expect(clientNetwork(other)).not.toBe(network);
  });

  it('is taken as it is when its address is none', () => {
    expect(clientNetwork('unix socket')).toBe('unix socket');
  });
});
