import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';

// Swagger UI's own files, by the names the page asks for; nothing else in that folder is served.
const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** The OpenAPI document, made when it is first asked for, and the page that shows it. */
@Injectable()
export class DocsService {
  private build: (() => Promise<OpenAPIObject>) | undefined;
  private built: Promise<OpenAPIObject> | undefined;
  private readonly folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

  /** The application knows its routes only once it is whole, so it hands in how to describe them. */
  describeWith(build: () => Promise<OpenAPIObject>): void {
    this.build = build;
  }

  async document(): Promise<OpenAPIObject> {
    if (this.build === undefined) throw new Error('The application has not said how it is described.');
    this.built ??= this.build().catch((error: unknown) => {
      this.built = undefined; // the next one may have it
      throw error;
    });
    return this.built;
  }

  /** A file of Swagger UI's, and its media type; null when the page needs none of this name. */
  asset(name: string): { path: string; type: string } | null {
    const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
    return type === undefined ? null : { path: join(this.folder, name), type };
  }

  /** A script of its own, so that the page's policy can forbid inline ones. */
  readonly script =
    "window.ui = SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, persistAuthorization: false });";

  readonly page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Ashlar API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/setup.js"></script>
</html>
`;
}
