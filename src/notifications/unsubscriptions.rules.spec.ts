import { describe, expect, it } from '@jest/globals';
import { donePage, questionPage } from './unsubscriptions.rules.js';

describe('the page that a link to unsubscribe opens', () => {
  it('asks first, because programs open links, too: a button posts what RFC 8058 says', () => {
    const page = questionPage('order.paid');
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page).toContain('<h1>Unsubscribe</h1>');
    expect(page).toContain('no more mails about orders you have paid?');
    expect(page).toContain('<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>');
  });

  it('then says what will not come any more, and offers no button', () => {
    const page = donePage('order.refunded');
    expect(page).toContain('<h1>Unsubscribed</h1>');
    expect(page).toContain('You will get no more mails about money that is paid back to you.');
    expect(page).not.toContain('<form');
  });
});
