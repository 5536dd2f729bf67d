import { describe, expect, it } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import { deviceFamily, deviceOf, isFamiliar, neighbourhood } from './devices.rules.js';

const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)';
const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';

describe('what somebody logged in with', () => {
  it.each([
    ['Edge on Windows', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0 Safari/537.36 Edg/138.0'],
    ['Edge on Windows', 'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/64.0 Safari/537.36 Edge/17.17134'],
    ['Edge on Android', 'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/138.0 Mobile Safari/537.36 EdgA/138.0'],
    ['Edge on iOS', `Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) ${WEBKIT} EdgiOS/138.0 Mobile Safari/604.1`],
    ['Opera on Linux', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/137.0 Safari/537.36 OPR/120.0'],
    ['Opera on Windows', 'Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18'],
    ['Firefox on Windows', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'],
    ['Firefox on iOS', `Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) ${WEBKIT} FxiOS/140.0 Mobile Safari/605.1.15`],
    ['Chrome on Android', 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/138.0 Mobile Safari/537.36'],
    ['Chrome on iOS', `Mozilla/5.0 (iPod touch; CPU iPhone OS 15_8 like Mac OS X) ${WEBKIT} CriOS/138.0 Mobile Safari/604.1`],
    ['Chrome on Linux', 'Mozilla/5.0 (X11; Ubuntu) AppleWebKit/537.36 Chromium/138.0 Safari/537.36'],
    ['Safari on macOS', `${MAC} ${WEBKIT} Version/18.5 Safari/605.1.15`],
    ['Safari on macOS', `Mozilla/5.0 (Macintosh; ARM) ${WEBKIT} Safari/605.1.15`],
    ['curl', 'curl/8.14.1'],
    ['An application on macOS', 'Notes/3 (Mac OS X)'],
    ['An application on Linux', 'okhttp (Linux)'],
    ['An application', ''],
    ['An application', 'MyOperation/2 NotSafari/1 XFirefox/2 libcurl/8 WindowsLike'],
    ['An application', 'Firefox'],
  ])('is %s', (family, userAgent) => {
    expect(deviceFamily(userAgent)).toBe(family);
  });
});

describe('where from', () => {
  it.each([
    ['203.0.113.7', '203.0.113.250', true],
    ['203.0.113.7', '203.0.114.7', false],
    ['::ffff:203.0.113.7', '203.0.113.8', true],
    ['2001:db8:1:2::3', '2001:db8:1:ffff::9', true],
    ['2001:db8:1:2::3', '2001:db8:2:2::3', false],
    ['no address', 'no address', true],
    ['no address', 'another', false],
  ])('%s and %s are neighbours: %s', (one, other, neighbours) => {
    expect(neighbourhood(one) === neighbourhood(other)).toBe(neighbours);
  });
});

describe('a log-in', () => {
  const firefox = { ip: '203.0.113.7', userAgent: 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0' };
  const curl = { ip: '203.0.113.7', userAgent: 'curl/8' };

  it('is familiar when something like it came from somewhere like there', () => {
    const update = { ip: '203.0.113.99', userAgent: 'Mozilla/5.0 (Windows NT 11.0) Firefox/150.0' };
    expect(isFamiliar(update, [curl, firefox])).toBe(true);
  });

  it('is not when only one of the two is', () => {
    expect(isFamiliar({ ...firefox, ip: '198.51.100.1' }, [firefox, { ...curl, ip: '198.51.100.1' }])).toBe(false);
    expect(isFamiliar(firefox, [])).toBe(false);
  });

  it('is remembered with its address and what its client calls itself, if anything', () => {
    const from = (headers: object) => deviceOf({ ip: '203.0.113.7', headers } as unknown as FastifyRequest);
    expect(from({ 'user-agent': 'curl/8' })).toEqual({ ip: '203.0.113.7', userAgent: 'curl/8' });
    expect(from({})).toEqual({ ip: '203.0.113.7', userAgent: '' });
  });
});
