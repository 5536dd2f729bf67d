import { PrismaService } from '#database';

export class PostsController {
  constructor(readonly prisma: PrismaService) {}
}
