import { describe, expect, it } from '@jest/globals';
import { ConfigError, loadEnv } from './load.js';
import { isReturnUrl, oauthProviderFaults, oauthProviders } from './oauth-providers.js';

const SECRET = 'hunter2-hunter2';
const acme = { issuer: 'https://acme.example', clientId: 'ashlar', clientSecret: SECRET };
const faults = (providers: unknown, production = true) => oauthProviderFaults(JSON.stringify(providers), production);

describe('OAUTH_PROVIDERS', () => {
  it('needs little, and has defaults for the rest', () => {
    const OAUTH_PROVIDERS = JSON.stringify({ acme, github: { kind: 'github', clientId: 'x', clientSecret: SECRET } });
    expect(oauthProviders(loadEnv({ OAUTH_PROVIDERS }))).toEqual([
      { id: 'acme', kind: 'oidc', name: 'Acme', scopes: ['openid', 'email', 'profile'], trustEmail: true, ...acme },
      {
        id: 'github',
        kind: 'github',
        name: 'GitHub',
        issuer: 'https://github.com',
        clientId: 'x',
        clientSecret: SECRET,
        scopes: ['read:user', 'user:email'],
        trustEmail: true,
      },
    ]);
    expect(oauthProviders(loadEnv({}))).toEqual([]);
  });

  it.each([
    ['is no object', [], 'must be a JSON object'],
    ['has a name that no URL takes', { 'My provider': acme }, 'small letters, digits and hyphens'],
    ['has the name of a path', { exchange: acme }, 'not exchange'],
    ['is a text', { acme: 'x' }, 'acme must be an object'],
    ['has no issuer', { acme: { ...acme, issuer: undefined } }, 'acme.issuer'],
    ['has an issuer without TLS', { acme: { ...acme, issuer: 'http://acme.example' } }, 'acme.issuer'],
    ['has an issuer with a query', { acme: { ...acme, issuer: 'https://acme.example?x' } }, 'acme.issuer'],
    ['has an issuer with a password', { acme: { ...acme, issuer: `https://a:${SECRET}@acme.example` } }, 'acme.issuer'],
    ['has no client', { acme: { ...acme, clientId: '' } }, 'acme.clientId'],
    ['has no secret', { acme: { ...acme, clientSecret: 7 } }, 'acme.clientSecret'],
    ['is of another kind', { acme: { ...acme, kind: 'saml' } }, 'acme.kind'],
    ['does not ask for openid', { acme: { ...acme, scopes: ['email'] } }, 'acme.scopes'],
    ['has a misspelt member', { acme: { ...acme, secret: SECRET } }, 'a member that is none of'],
    ['half trusts', { acme: { ...acme, trustEmail: 'no' } }, 'acme.trustEmail'],
  ])('is refused if it %s, and no value is told', (_, providers, fault) => {
    expect(faults(providers)).toEqual([expect.stringContaining(fault)]);
    expect(faults(providers).join()).not.toContain(SECRET);
  });

  it('stops the start with what is wrong', () => {
    for (const OAUTH_PROVIDERS of [`{"acme":"${SECRET}`, JSON.stringify({ acme: { ...acme, issuer: SECRET } })])
      expect(() => loadEnv({ OAUTH_PROVIDERS })).toThrow(ConfigError);
    expect(() => loadEnv({ OAUTH_PROVIDERS: '{' })).toThrow('OAUTH_PROVIDERS: it must be a JSON object');
  });

  it('may be without TLS outside production', () => {
    expect(faults({ acme: { ...acme, issuer: 'http://127.0.0.1:8080' } }, false)).toEqual([]);
  });
});

describe('OAUTH_RETURN_URLS', () => {
  it.each([
    'https://app.example.com/signed-in',
    'https://app.example.com/?from=ashlar',
    'http://127.0.0.1:8000/cb',
    'http://localhost/cb',
    'com.example.app:/signed-in',
  ])('may hold %s', (url) => expect(isReturnUrl(url, true)).toBe(true));

  it.each([
    'http://app.example.com/in',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'myapp:/in',
    '/in',
    '//app.example.com',
    'https://app.example.com/#x',
    'https://app.example.com/in#',
    'https://user@app.example.com/',
    'https://*.example.com/in',
    'https://app.example.com\\@evil.org',
  ])('may not hold %s in production', (url) => expect(isReturnUrl(url, true)).toBe(false));

  it('stops the start', () => {
    expect(() => loadEnv({ OAUTH_RETURN_URLS: 'https://a.example.com/in,/in' })).toThrow('OAUTH_RETURN_URLS must be a whole URL');
    expect(() => loadEnv({ OAUTH_RETURN_URLS: 'http://dev.local/in' })).not.toThrow();
  });
});
