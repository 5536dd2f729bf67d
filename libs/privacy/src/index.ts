export { Erasures } from './erasures.js';
export { Exports, type PersonalExport } from './exports.js';
export { type ExportedFile, few, paged, type Person, PersonalData } from './personal-data.js';
export { exportNotFound, exportNotReady } from './privacy.errors.js';
export { PrivacyModule } from './privacy.module.js';
export { PersonalDataRegister } from './register.js';
