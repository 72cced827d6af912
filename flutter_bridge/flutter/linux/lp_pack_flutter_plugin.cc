// The Linux side of package:lp_pack_flutter: textures, and where the app's files are.
#include "include/lp_pack_flutter/lp_pack_flutter_plugin.h"

#include <flutter_linux/flutter_linux.h>
#include <lp_bridge.h>

#include <cstring>

#include "persona_texture.h"

struct LpPackPlugin {
  FlTextureRegistrar* textures;
  // Texture id -> PersonaTexture.
  GHashTable* shown;
};

static void stop_texture(gpointer texture) {
  persona_texture_stop(LP_PACK_PERSONA_TEXTURE(texture));
  g_object_unref(texture);
}

static void free_plugin(gpointer data) {
  auto* plugin = static_cast<LpPackPlugin*>(data);
  g_hash_table_unref(plugin->shown);
  delete plugin;
}

static FlMethodResponse* success(FlValue* result) {
  return FL_METHOD_RESPONSE(fl_method_success_response_new(result));
}

static FlMethodResponse* failure(const char* code, const char* message) {
  return FL_METHOD_RESPONSE(fl_method_error_response_new(code, message, nullptr));
}

// The argument `name`; null unless it has this type.
static FlValue* argument(FlValue* arguments, const char* name, FlValueType type) {
  if (arguments == nullptr || fl_value_get_type(arguments) != FL_VALUE_TYPE_MAP) return nullptr;
  FlValue* value = fl_value_lookup_string(arguments, name);
  return value != nullptr && fl_value_get_type(value) == type ? value : nullptr;
}

static FlMethodResponse* attach(LpPackPlugin* plugin, FlValue* arguments) {
  FlValue* session = argument(arguments, "session", FL_VALUE_TYPE_INT);
  if (session == nullptr) return failure("argument", "attach needs the session, a number");
  auto* ticket = reinterpret_cast<lp_session*>(static_cast<intptr_t>(fl_value_get_int(session)));
  PersonaTexture* texture = persona_texture_new(plugin->textures, ticket);
  if (texture == nullptr) return failure("closed", "the persona is closed");
  const int64_t id = fl_texture_get_id(FL_TEXTURE(texture));
  auto* key = static_cast<gint64*>(g_memdup2(&id, sizeof id));
  g_hash_table_insert(plugin->shown, key, texture);
  g_autoptr(FlValue) result = fl_value_new_int(id);
  return success(result);
}

static FlMethodResponse* redraw(LpPackPlugin* plugin, FlValue* arguments) {
  FlValue* id = argument(arguments, "texture", FL_VALUE_TYPE_INT);
  const gint64 key = id == nullptr ? -1 : fl_value_get_int(id);
  gpointer texture = g_hash_table_lookup(plugin->shown, &key);
  if (texture != nullptr) persona_texture_redraw(LP_PACK_PERSONA_TEXTURE(texture));
  return success(nullptr);
}

static FlMethodResponse* detach(LpPackPlugin* plugin, FlValue* arguments) {
  FlValue* id = argument(arguments, "texture", FL_VALUE_TYPE_INT);
  const gint64 key = id == nullptr ? -1 : fl_value_get_int(id);
  g_hash_table_remove(plugin->shown, &key);
  return success(nullptr);
}

// Assets are plain files beside the program.
static FlMethodResponse* asset_path(FlValue* arguments) {
  FlValue* asset = argument(arguments, "asset", FL_VALUE_TYPE_STRING);
  if (asset == nullptr) return failure("argument", "assetPath needs the asset, a text");
  g_autofree gchar* program = g_file_read_link("/proc/self/exe", nullptr);
  g_autofree gchar* folder = program == nullptr ? nullptr : g_path_get_dirname(program);
  if (folder == nullptr) return success(nullptr);
  g_autofree gchar* path =
      g_build_filename(folder, "data", "flutter_assets", fl_value_get_string(asset), nullptr);
  if (!g_file_test(path, G_FILE_TEST_EXISTS)) return success(nullptr);
  g_autoptr(FlValue) result = fl_value_new_string(path);
  return success(result);
}

static FlMethodResponse* storage_path() {
  const gchar* program = g_get_prgname();
  g_autofree gchar* path = g_build_filename(
      g_get_user_data_dir(), program == nullptr ? "lp_pack" : program, nullptr);
  g_autoptr(FlValue) result = fl_value_new_string(path);
  return success(result);
}

static void handle(FlMethodChannel*, FlMethodCall* call, gpointer data) {
  auto* plugin = static_cast<LpPackPlugin*>(data);
  const gchar* method = fl_method_call_get_name(call);
  FlValue* arguments = fl_method_call_get_args(call);
  g_autoptr(FlMethodResponse) response = nullptr;
  if (strcmp(method, "attach") == 0) {
    response = attach(plugin, arguments);
  } else if (strcmp(method, "redraw") == 0) {
    response = redraw(plugin, arguments);
  } else if (strcmp(method, "detach") == 0) {
    response = detach(plugin, arguments);
  } else if (strcmp(method, "assetPath") == 0) {
    response = asset_path(arguments);
  } else if (strcmp(method, "storagePath") == 0) {
    response = storage_path();
  } else {
    response = FL_METHOD_RESPONSE(fl_method_not_implemented_response_new());
  }
  fl_method_call_respond(call, response, nullptr);
}

void lp_pack_flutter_plugin_register_with_registrar(FlPluginRegistrar* registrar) {
  auto* plugin = new LpPackPlugin{
      fl_plugin_registrar_get_texture_registrar(registrar),
      g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, stop_texture)};
  g_autoptr(FlStandardMethodCodec) codec = fl_standard_method_codec_new();
  // The channel lives as long as its handler is set: until the engine goes.
  g_autoptr(FlMethodChannel) channel = fl_method_channel_new(
      fl_plugin_registrar_get_messenger(registrar), "lp_pack_flutter", FL_METHOD_CODEC(codec));
  fl_method_channel_set_method_call_handler(channel, handle, plugin, free_plugin);
}
