// A window with a Flutter view, and the plugin registered as Flutter's tool registers it.
#include <flutter_linux/flutter_linux.h>
#include <lp_pack_flutter/lp_pack_flutter_plugin.h>

int main(int argc, char** argv) {
  gtk_init(&argc, &argv);
  g_autoptr(FlDartProject) project = fl_dart_project_new();
  GtkWidget* window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
  gtk_window_set_default_size(GTK_WINDOW(window), 400, 400);
  FlView* view = fl_view_new(project);
  gtk_widget_show(GTK_WIDGET(view));
  gtk_container_add(GTK_CONTAINER(window), GTK_WIDGET(view));
  g_autoptr(FlPluginRegistrar) registrar =
      fl_plugin_registry_get_registrar_for_plugin(FL_PLUGIN_REGISTRY(view), "LpPackFlutterPlugin");
  lp_pack_flutter_plugin_register_with_registrar(registrar);
  gtk_widget_show(window);
  gtk_main();
}
