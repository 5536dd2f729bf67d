import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  not?: Schema;
  type?: string | string[];
  enum?: unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  maxProperties?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}

export interface Response {
  $ref?: string;
  description: string;
  headers?: Record<string, unknown>;
  content?: Record<string, { schema: Schema; examples?: Record<string, unknown> }>;
}

export interface Operation {
  /** `GET /api/v1/users/me` */
  id: string;
  /** In capitals. */
  method: string;
  path: string;
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  parameters: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, Response>;
}

export interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, Omit<Operation, 'id' | 'method' | 'path' | 'parameters'> & { parameters?: Parameter[] }>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, unknown> };
}

export const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** All there are. */
export const operationsOf = ({ paths }: OpenApi): Operation[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((name) => {
      const method = name.toUpperCase();
      return { ...item[name]!, id: `${method} ${path}`, method, path, parameters: item[name]!.parameters ?? [] };
    }),
  );

/** What a reference within a document stands for. */
export function resolveIn<T>(document: OpenApi, ref: string): T {
  const parts = ref.slice(2).split('/');
  return parts.reduce<unknown>(
    (node, part) => (node as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')],
    document,
  ) as T;
}

/** With every object closed: an answer may hold nothing that is not described. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, /^examples?$/.test(name) ? value : closed(value)]));
  return copy['type'] === 'object' || copy['properties'] ? { additionalProperties: false, ...copy } : copy;
}

/** Makes validators of schemas that may refer to the document, each once; `strict` closes every object in them. */
export function validatorsOf({ components }: Pick<OpenApi, 'components'>): (schema: Schema, strict?: boolean) => ValidateFunction {
  const validators = new Map<string, ValidateFunction>();
  const compilers = { open: compilerOf(false), strict: compilerOf(true) };
  const parts = { open: components, strict: closed(components) };
  return (schema, strict = false) => {
    const way = strict ? 'strict' : 'open';
    const key = `${way} ${JSON.stringify(schema)}`;
    const made = validators.get(key);
    if (made !== undefined) return made;
    const own = strict ? (closed(schema) as object) : schema;
    const validate = compilers[way].compile({ ...own, components: parts[way] });
    validators.set(key, validate);
    return validate;
  };
}

function compilerOf(allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors, validateSchema: false });
  formats.default(ajv);
  return ajv;
}
