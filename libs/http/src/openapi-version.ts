import type { OpenAPIObject } from '@nestjs/swagger';

type PathItemObject = OpenAPIObject['paths'][string];
type ParameterObject = Exclude<NonNullable<NonNullable<PathItemObject['get']>['parameters']>[number], { $ref: string }>;

/** The methods that operations have. */
export const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** `/posts/{id}` and `/posts/{idOrSlug}` are one path to OpenAPI: the operations of both stand under the first, with its parameter's name. */
export function mergeEquivalentPaths(paths: OpenAPIObject['paths']): OpenAPIObject['paths'] {
  const byShape = new Map<string, { path: string; item: PathItemObject }>();
  for (const [path, item] of Object.entries(paths)) {
    const shape = path.replace(/\{[^}]+\}/g, '{}');
    const first = byShape.get(shape);
    if (first === undefined) {
      byShape.set(shape, { path, item });
      continue;
    }
    const names = [path, first.path].map((each) => [...each.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name!));
    for (const method of METHODS) {
      for (const parameter of (item[method]?.parameters ?? []) as ParameterObject[]) {
        if (parameter.in === 'path') parameter.name = names[1]![names[0]!.indexOf(parameter.name)]!;
      }
    }
    Object.assign(first.item, item);
  }
  return Object.fromEntries([...byShape.values()].map(({ path, item }) => [path, item]));
}

/** Says of every object a request may hold what `InputPipe` does about members nobody declared: it refuses them. */
export function closeRequests({ paths, components }: OpenAPIObject): void {
  const seen = new Set<unknown>();
  const close = (node: unknown): void => {
    if (node === null || typeof node !== 'object' || seen.has(node)) return;
    seen.add(node);
    const { $ref, properties, additionalProperties } = node as { $ref?: string; properties?: object; additionalProperties?: unknown };
    if ($ref !== undefined) close(components?.schemas?.[$ref.split('/').at(-1)!]);
    if (properties !== undefined && additionalProperties === undefined) Object.assign(node, { additionalProperties: false });
    for (const child of Object.values(node)) close(child);
  };
  for (const item of Object.values(paths)) for (const method of METHODS) close(item[method]?.requestBody);
}

/**
 * OpenAPI 3.1 is JSON Schema: `nullable` is a type, and a `$ref` beside it becomes a choice. Choices are sorted, because the type checker
 * lists them in whatever order it met them; what has a default need not be sent.
 */
export function toVersion31(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(toVersion31);
  if (node === null || typeof node !== 'object') return node;
  const schema = Object.fromEntries(
    Object.entries(node).map(([name, value]) => [name, name === 'example' || name === 'examples' ? value : toVersion31(value)]),
  ) as Record<string, unknown>;
  if (Array.isArray(schema['enum'])) schema['enum'] = schema['enum'].toSorted();
  if (schema['in'] === 'query' && (schema['schema'] as { default?: unknown } | undefined)?.default !== undefined)
    schema['required'] = false;
  if (Array.isArray(schema['required']) && schema['properties']) {
    const properties = schema['properties'] as Record<string, { default?: unknown }>;
    schema['required'] = schema['required'].filter((name: string) => properties[name]?.default === undefined);
  }
  if (schema['nullable'] !== true) return schema;
  const { nullable: _, ...rest } = schema;
  if (typeof rest['type'] === 'string')
    return { ...rest, type: [rest['type'], 'null'], ...(Array.isArray(rest['enum']) && { enum: [...(rest['enum'] as unknown[]), null] }) };
  const { description, allOf, ...other } = rest;
  const choice = Array.isArray(allOf) && allOf.length === 1 ? (allOf[0] as object) : { ...other, ...(allOf !== undefined && { allOf }) };
  return { ...(description !== undefined && { description }), anyOf: [choice, { type: 'null' }] };
}
