import { existsSync } from 'node:fs';
import type { LaunchOptions } from 'puppeteer-core';

/** How a real browser is launched: Debian's Chromium, or what another system calls it. */
export const CHROMIUM: LaunchOptions = {
  executablePath: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync) ?? 'chromium',
  headless: true,
  // As root, as CI runs it, Chromium's sandbox does not start; it loads nothing but pages of these tests.
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=en-IE'],
};
