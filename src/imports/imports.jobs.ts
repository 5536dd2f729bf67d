import { job } from '#jobs';
import { IsUUID } from 'class-validator';

export class ImportPayload {
  @IsUUID()
  importId: string;
}

/** Takes the files of an import in, one after the other; an attempt goes on where the one before was ended. */
export const importPosts = job('posts.import', ImportPayload, { maxAttempts: 5, timeoutSeconds: 3_600 });
