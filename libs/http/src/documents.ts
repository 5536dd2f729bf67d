import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';

/** An answer that is a text of another type than the API's own JSON: what a feed reader or a crawler asks for. */
export class TextDocument {
  constructor(
    readonly contentType: string,
    readonly text: string,
    readonly modifiedAt: Date,
    /** What it was made of, as `@PubliclyCached` asks. */
    readonly tags: readonly string[] | null,
  ) {}

  get head(): Record<string, string> {
    return { 'Content-Type': this.contentType, 'Last-Modified': this.modifiedAt.toUTCString() };
  }
}

/** The bytes of an answer, with its headers set. */
export function sendDocument(reply: FastifyReply, document: TextDocument): string {
  reply.headers(document.head);
  return document.text;
}

/** Says in the document that the route answers with a text of this type; `object`: it is JSON of a shape that a standard of its own defines. */
export const AnswersDocument = (contentType: string, type: 'string' | 'object' = 'string') =>
  applyDecorators(ApiProduces(contentType), ApiOkResponse({ schema: { type, ...(type === 'object' && { additionalProperties: true }) } }));
