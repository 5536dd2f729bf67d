export { type ByteRange, BytesNotFound, type PresignedUpload, Storage, type StoredBytes, type WrittenBytes } from './storage.js';
export { StorageModule } from './storage.module.js';
