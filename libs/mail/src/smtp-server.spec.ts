import { describe, expect, it } from '@jest/globals';
import { optionsOf } from './smtp-server.js';

describe('the address of a mail server', () => {
  it('says where it is, how to talk to it and as whom', () => {
    expect(optionsOf('smtps://ada:s%40fe@mail.example.org')).toEqual({
      host: 'mail.example.org',
      secure: true,
      auth: { user: 'ada', pass: 's@fe' },
      ignoreTLS: false,
      requireTLS: true,
    });
    expect(optionsOf('smtp://[::1]:2525')).toEqual({ host: '::1', port: 2525, secure: false, ignoreTLS: false, requireTLS: false });
  });

  it.each([
    ['smtp://ada:pw@mail.example.org:587', true],
    ['smtp://ada:pw@mail.example.org:587?ignoreTLS=true', false],
    ['smtp://ada:pw@localhost:1025', false],
    ['smtp://ada:pw@127.0.0.1:1025', false],
    ['smtp://ada:pw@localhost.example.org:1025', true],
    ['smtp://mail.example.org', false],
    ['smtp://mail.example.org?requireTLS=true', true],
  ])('%s is told nothing before it is encrypted: %s', (url, requireTLS) => expect(optionsOf(url)).toMatchObject({ requireTLS }));
});
