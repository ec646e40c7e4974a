/** Durable RxJS operators. None yet: they come with the stream engine. */
export {}
