import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { Device } from './sessions.service.js';

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/\bcurl\//, 'curl'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
];

/** What somebody logged in with, as people say it: `Firefox on Windows`. Versions come and go, so they do not count. */
export function deviceFamily(userAgent: string): string {
  const [browser, system] = [BROWSERS, SYSTEMS].map((known) => known.find(([pattern]) => pattern.test(userAgent))?.[1]);
  if (browser === undefined && system === undefined) return 'An application';
  return system === undefined ? browser! : `${browser ?? 'An application'} on ${system}`;
}

/** Where from, roughly: addresses change within a provider's network (/24 of IPv4, /48 of IPv6). */
export function neighbourhood(ip: string): string {
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  const parts = address.kind() === 'ipv4' ? (address as ipaddr.IPv4).octets : (address as ipaddr.IPv6).parts;
  return parts.slice(0, 3).join('.');
}

interface SeenDevice {
  ip: string;
  userAgent: string;
}

/** Whether an account was logged in to before with something like this, from somewhere like this. */
export function isFamiliar(device: SeenDevice, before: readonly SeenDevice[]): boolean {
  const same = ({ ip, userAgent }: SeenDevice) => `${neighbourhood(ip)} ${deviceFamily(userAgent)}`;
  return before.some((each) => same(each) === same(device));
}

/** Where a request comes from, as sessions remember it. */
export const deviceOf = (request: FastifyRequest): Device => ({ ip: request.ip, userAgent: request.headers['user-agent'] ?? '' });
