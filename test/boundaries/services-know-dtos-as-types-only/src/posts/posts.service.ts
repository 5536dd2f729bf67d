import { CreatePostDto } from './posts.dto.js';

export const empty = new CreatePostDto();
