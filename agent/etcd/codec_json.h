/*
 * What the codec's files share; not for others.
 */
#ifndef ETCD_CODEC_JSON_H
#define ETCD_CODEC_JSON_H

#include "etcd/codec.h"
#include "wire/json.h"

int etcd_json_header(struct etcd_header *ret, const json *object, struct err *err) MUST_CHECK;
/* Bytes go into the arena, which must have room for them already. */
int etcd_json_kv(
	struct etcd_kv *ret, const json *object, struct buf *arena, struct err *err) MUST_CHECK;
/* An absent array is NULL. */
int etcd_json_array(
	const json *object, const char *name, const json **ret, struct err *err) MUST_CHECK;
void etcd_arena_init(struct buf *arena, size_t len);
/* "rpc error: code = PermissionDenied desc = etcdserver: permission denied" */
void etcd_error_from_reason(struct etcd_error *ret, const char *reason);

#endif
