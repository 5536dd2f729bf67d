import { job } from '#jobs';
import { IsUUID } from 'class-validator';

export class VariantImportPayload {
  @IsUUID()
  importId: string;
}

/** Takes the lines of a file in; an attempt goes on where the one before was ended. */
export const importVariants = job('products.import', VariantImportPayload, { maxAttempts: 5, timeoutSeconds: 3_600 });
