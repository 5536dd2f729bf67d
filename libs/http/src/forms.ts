import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { unsupportedMediaType } from './http.errors.js';
import { configure } from './route-config.js';

const FORM_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data'];
const LARGEST_BYTES = 16_384;

/** What the decorator below leaves on a Fastify route. */
interface FormsConfig {
  forms?: boolean;
}

/**
 * The route also takes a form, as browsers and mail providers (RFC 8058) send it. What stands in it is not read: the form is the deed. Every
 * other route refuses forms, which pages of other origins may send without asking.
 */
export const TakesForms = () =>
  applyDecorators(
    configure({ forms: true } satisfies FormsConfig),
    ApiConsumes(...FORM_TYPES),
    ApiBody({
      required: false,
      schema: { type: 'object', description: 'What stands in the form is not read.', additionalProperties: true },
    }),
  );

export function registerForms(fastify: FastifyInstance): void {
  fastify.addContentTypeParser(FORM_TYPES, { parseAs: 'buffer', bodyLimit: LARGEST_BYTES }, (request, _body, done) => {
    if ((request.routeOptions.config as FormsConfig).forms) done(null, {});
    else done(unsupportedMediaType('Send the body as application/json.'));
  });
}
