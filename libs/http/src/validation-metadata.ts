import { getMetadataStorage } from 'class-validator';

type Storage = ReturnType<typeof getMetadataStorage>;
type Metadata = ReturnType<Storage['getTargetValidationMetadatas']>;

/**
 * Has class-validator remember what it knows of a class: it searches the decorators of all classes for those of its ancestors, anew for every
 * object that it validates. Without groups, which nothing here uses, that is always the same.
 */
export function rememberMetadata(storage: Storage = getMetadataStorage()): void {
  const known = new Map<object, Metadata>();
  const [find, add] = [storage.getTargetValidationMetadatas.bind(storage), storage.addValidationMetadata.bind(storage)];
  storage.addValidationMetadata = (metadata) => {
    known.clear(); // an ancestor may have got another rule
    add(metadata);
  };
  storage.getTargetValidationMetadatas = (target, schema, always, strictGroups, groups) => {
    // Whatever else an object holds as its `constructor` came with the input, and would be kept for good. The name of a schema
    // changes nothing of what a class has declared.
    if (typeof target !== 'function' || always || strictGroups || groups?.length) return find(target, schema, always, strictGroups, groups);
    let found = known.get(target);
    if (found === undefined) known.set(target, (found = find(target, schema, always, strictGroups, groups)));
    return found;
  };
}
