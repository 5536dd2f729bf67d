/** Where a browser has come to: a page, or a redirection that it does not follow. */
export interface Visit {
  status: number;
  /** Where it is sent to; undefined on a page. */
  location: URL | undefined;
  headers: Headers;
  text: string;
}

/** As much of a browser as a sign-in needs: cookies by origin, and redirections one by one. `hosts`: what goes by another name here. */
export class Browser {
  readonly cookies = new Map<string, Map<string, string>>();

  constructor(private readonly hosts: Record<string, string> = {}) {}

  async visit(address: string | URL): Promise<Visit> {
    const url = new URL(address);
    const jar = this.cookies.get(url.origin) ?? new Map<string, string>();
    this.cookies.set(url.origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const target = `${this.hosts[url.origin] ?? url.origin}${url.pathname}${url.search}`;
    const answer = await fetch(target, { redirect: 'manual', headers: cookie === '' ? {} : { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /expires=thu, 01 jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    const location = answer.headers.get('location');
    return {
      status: answer.status,
      location: location === null ? undefined : new URL(location, url),
      headers: answer.headers,
      text: await answer.text(),
    };
  }

  /** Follows redirections until one leads to where `stop` says, or to a page; that one is not opened. */
  async follow(address: string | URL, stop: (url: URL) => boolean): Promise<URL> {
    let url = new URL(address);
    for (let hops = 0; hops < 20 && !stop(url); hops++) {
      const { location, status, text } = await this.visit(url);
      if (location === undefined) throw new Error(`${url.href} is a page: ${status} ${text.slice(0, 500)}`);
      url = location;
    }
    return url;
  }
}
