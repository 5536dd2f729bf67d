import { job } from '#jobs';
import { ArrayMaxSize, IsUUID } from 'class-validator';

/** How many files one job removes. */
export const REMOVED_AT_ONCE = 100;

export class MakeVariants {
  @IsUUID()
  fileId: string;
}

export class RemoveBytes {
  @IsUUID(undefined, { each: true })
  @ArrayMaxSize(REMOVED_AT_ONCE)
  fileIds: string[];
}

export const makeVariants = job('files.variants', MakeVariants, { maxAttempts: 6, timeoutSeconds: 120 });
/** The bytes of files that are gone: after the commit that ended them, whatever is killed when. */
export const removeBytes = job('files.remove-bytes', RemoveBytes, { maxAttempts: 20 });
