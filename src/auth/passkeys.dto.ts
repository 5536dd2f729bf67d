import { applyDecorators } from '@nestjs/common';
import { ApiProperty, IntersectionType, PartialType } from '@nestjs/swagger';
import { IfPresent, Line, Text } from '#http';
import type { PublicKeyCredentialCreationOptionsJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsInt, IsObject, IsOptional, Matches, MaxLength, ValidateNested } from 'class-validator';
import { TransportDto } from './auth.dto.js';
import type { Passkey, RegisteredPasskey } from './passkeys.service.js';

const BASE64URL = /^[\w-]+$/;

/** Bytes, in base64url without padding, as WebAuthn's JSON writes them. */
export const Base64Url = (longest: number) =>
  applyDecorators(
    Text(1, longest),
    Matches(BASE64URL, { message: '$property must be base64url' }),
    ApiProperty({ pattern: '^[A-Za-z0-9_-]+$', example: 'AAECAwQFBgcICQ' }),
  );

export class ClientDataDto {
  /** What the browser did, as the authenticator signed it. */
  @Base64Url(10_000)
  clientDataJSON: string;
}

export class AttestationDto extends ClientDataDto {
  /** The new public key, with what the authenticator says about it. */
  @Base64Url(100_000)
  attestationObject: string;

  /** Not read: it stands in `attestationObject`. */
  @IsOptional()
  @Base64Url(20_000)
  authenticatorData?: string | null;

  /** Not read: it stands in `attestationObject`. */
  @IsOptional()
  @Base64Url(20_000)
  publicKey?: string | null;

  /** Not read: it stands in `attestationObject`. @example -7 */
  @IsOptional()
  @IsInt()
  publicKeyAlgorithm?: number | null;

  /** How browsers reach the authenticator. @example ["internal"] */
  @IfPresent()
  @IsArray()
  @ArrayMaxSize(10)
  @MaxLength(32, { each: true })
  @Matches(/^[a-z-]+$/, { each: true, message: 'each of $property must be a word' })
  transports?: string[];
}

export class AssertionResponseDto extends ClientDataDto {
  @Base64Url(20_000)
  authenticatorData: string;

  @Base64Url(10_000)
  signature: string;

  /** The user that the authenticator keeps the passkey for. */
  @IsOptional()
  @Base64Url(100)
  userHandle?: string | null;
}

export class CredentialDto {
  /** Of a passkey: what `PublicKeyCredential.toJSON()` gave, member by member. */
  @Base64Url(1_400)
  id: string;

  @Base64Url(1_400)
  rawId: string;

  @IsIn(['public-key'])
  type: 'public-key';

  /** @example "platform" */
  @IsOptional()
  @IsIn(['platform', 'cross-platform'])
  authenticatorAttachment?: 'platform' | 'cross-platform' | null;

  /** Not read. */
  @IfPresent()
  @IsObject()
  clientExtensionResults?: object;
}

export class RegisterPasskeyDto extends CredentialDto {
  /** What tells it apart from your others; "Passkey" when you give none. @example "My phone" */
  @IfPresent()
  @Line(1, 100)
  name: string = 'Passkey';

  @IsObject()
  @ValidateNested()
  @Type(() => AttestationDto)
  response: AttestationDto;
}

export class AssertionDto extends CredentialDto {
  @IsObject()
  @ValidateNested()
  @Type(() => AssertionResponseDto)
  response: AssertionResponseDto;
}

/** What a passkey answers, where it is one of several proofs: all of its members, or none. */
export class OptionalAssertionDto extends PartialType(AssertionDto, { skipNullProperties: false }) {}

/** What `PublicKeyCredential.toJSON()` gave. */
export class PasskeyLoginDto extends IntersectionType(TransportDto, AssertionDto) {}

export class PasskeyResponse {
  id: string;
  /** The credential's own id, in base64url: what browsers know it by. */
  credentialId: string;
  /** @example "My phone" */
  name: string;
  /** Whether its provider keeps a copy, so that it outlives the device. */
  backedUp: boolean;
  /** How browsers reach the authenticator. @example ["internal"] */
  transports: string[];
  createdAt: Date;
  lastUsedAt: Date | null;

  static from(this: void, passkey: Passkey): PasskeyResponse {
    const { id, credentialId, name, backedUp, transports, createdAt, lastUsedAt } = passkey;
    return { id, credentialId, name, backedUp, transports, createdAt, lastUsedAt };
  }
}

export class RegisteredPasskeyResponse extends PasskeyResponse {
  /** With your first second factor: ten codes, each good once, for when you lose it. Shown only now; null when you have others already. */
  recoveryCodes: string[] | null;

  static fromRegistered(this: void, { passkey, recoveryCodes }: RegisteredPasskey): RegisteredPasskeyResponse {
    return { ...PasskeyResponse.from(passkey), recoveryCodes };
  }
}

export class PasskeyList {
  items: PasskeyResponse[];
  /** Always null: nobody has that many passkeys. */
  nextCursor: string | null;
}

export class RelyingPartyResponse {
  /** @example "Ashlar" */
  name: string;
  /** The domain the passkey will belong to. @example "example.com" */
  id?: string;
}

export class PasskeyUserResponse {
  /** Base64url. */
  id: string;
  name: string;
  displayName: string;
}

export class PasskeyParameterResponse {
  /** A COSE algorithm. @example -7 */
  alg: number;
  /** @example "public-key" */
  type: string;
}

export class PasskeyDescriptorResponse {
  /** Base64url. */
  id: string;
  /** @example "public-key" */
  type: string;
  transports?: string[];
}

export class AuthenticatorSelectionResponse {
  /** @example "required" */
  residentKey?: string;
  requireResidentKey?: boolean;
  /** @example "required" */
  userVerification?: string;
}

/** For `PublicKeyCredential.parseCreationOptionsFromJSON()`. */
export class PasskeyCreationOptions {
  rp: RelyingPartyResponse;
  user: PasskeyUserResponse;
  /** Base64url; good for one registration by this session, within five minutes. */
  challenge: string;
  pubKeyCredParams: PasskeyParameterResponse[];
  /** Milliseconds. @example 300000 */
  timeout?: number;
  excludeCredentials?: PasskeyDescriptorResponse[];
  authenticatorSelection?: AuthenticatorSelectionResponse;
  /** @example "none" */
  attestation?: string;
  hints?: string[];
  @ApiProperty({ type: 'object', additionalProperties: true })
  extensions?: object;

  static from(this: void, options: PublicKeyCredentialCreationOptionsJSON): PasskeyCreationOptions {
    return options;
  }
}

/** For `PublicKeyCredential.parseRequestOptionsFromJSON()`. */
export class PasskeyRequestOptions {
  /** Base64url; good for one answer, within five minutes. */
  challenge: string;
  /** Milliseconds. @example 300000 */
  timeout?: number;
  /** The domain passkeys belong to. @example "example.com" */
  rpId?: string;
  allowCredentials?: PasskeyDescriptorResponse[];
  /** @example "required" */
  userVerification?: string;
  @ApiProperty({ type: 'object', additionalProperties: true })
  extensions?: object;

  static from(this: void, options: PublicKeyCredentialRequestOptionsJSON): PasskeyRequestOptions {
    return options;
  }
}
