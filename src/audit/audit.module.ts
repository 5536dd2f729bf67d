import { Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { AuditPrivacy } from './audit.privacy.js';
import { AuditService } from './audit.service.js';

@Module({ controllers: [AuditController], providers: [AuditService, AuditPrivacy] })
export class AuditModule {}
